"""Imports whose module an image of the truss does not have under this name.

Paths here are those in an image, as `server_layout` places them: the server finds modules below
`app` and then below `packages`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Collection, Iterator, Mapping, NamedTuple, Optional, Tuple

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.import_statements import ImportStatement
from pants_truss.core.lint.importable_modules import ImportableModules, changes_modules
from pants_truss.core.module_names import module_name, module_stem
from pants_truss.core.paths import join
from pants_truss.core.server_layout import APP, MODEL, PACKAGES
from pants_truss.core.standard_library import is_standard

# The server takes the file of the model class out of its package from the first release to the
# second, and from then on unless it is `model/model.py` (`_load_impl` in `model_wrapper.py`).
_LOADED_ALONE, _LOADED_AS_PACKAGE = (0, 9, 36), (0, 18, 35)


class PythonFile(NamedTuple):
    """`path` is that in an image, `source` that in the repository. `leads_to` are files of the
    truss that its imports mean, by their paths in the repository."""

    path: str
    source: str
    content: bytes
    leads_to: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageModules:
    """What an import can find. `paths` has the path in the repository of each file in an image, and
    `in_truss` that of each module of the truss, by its path in the truss without suffix.
    `provided` are top-level names that the server or a requirement may have, and `distributions`
    the names of the requirements; there may be others if not `is_complete`. `model_file` is that of
    the model class, for a server of `release`; `packages_dir` is where the truss has bundled
    packages."""

    paths: Mapping[str, str]
    in_truss: Mapping[str, str]
    provided: Collection[str]
    distributions: Collection[str]
    is_complete: bool
    model_file: str
    release: Tuple[int, ...]
    packages_dir: str

    def may_be_provided(self, top: str) -> bool:
        """If a distribution may have the module: `openai-whisper` has `whisper`, `sam-2` `sam2`."""
        name = _letters(top)
        return any(
            name == other or (len(name) > 2 and name in other) or (len(other) > 2 and other in name)
            for other in self._letters_of_distributions
        )

    @cached_property
    def _letters_of_distributions(self) -> Tuple[str, ...]:
        return tuple(map(_letters, self.distributions))


def _letters(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()


class UnansweredImport(NamedTuple):
    """An import of a module that neither the truss nor a known distribution has. `names` are what
    `from module import` takes; a statement that `is_joined` imports several modules."""

    source: str
    line: int
    module: str
    names: Tuple[str, ...]
    is_joined: bool
    severity: Severity


class ImportCheck:
    """`files` are those that a server runs.

    Only what is certain counts: no import under a condition or in a `try`, no package that changes
    its own path, and no name that may be an attribute. It is a warning in a function, which may
    never be called, in a file that the model does not load in any case, and where a requirement or
    the code itself may bring the module.
    """

    def __init__(self, files: Collection[PythonFile], image: ImageModules) -> None:
        self._files, self._image = files, image
        self._known = ImportableModules(image.paths, {file.path: file.content for file in files})
        model = image.model_file
        # The package of the model, unless Truss loads its file alone.
        init = f"{posixpath.dirname(model)}/__init__.py"
        roots = (model,) if _is_loaded_alone(model, image.release) else (model, init)
        self._loaded = self._known.loaded_with(*roots)

    def _statements(self) -> Iterator[Tuple[PythonFile, ImportStatement]]:
        for file in self._files:
            if not changes_modules(file.content):
                yield from ((file, found) for found in self._known.imports_of(file.path))

    def findings(self, reported: Collection[Tuple[str, str]] = ()) -> Iterator[Finding]:
        """`reported` has the source and the module of imports that another rule reports."""
        for file, found in self._statements():
            missing = _describe(file, found, self._known, self._image)
            if missing and not _is_reported(file.source, missing[0], reported):
                name, why, severity = missing
                if file.path not in self._loaded:
                    severity = Severity.WARNING
                # The Rust parser of Pants 2.17 overlooks such statements.
                hint = " Write each import on a line of its own." if found.is_joined else ""
                text = f"it imports `{name}`, {why}{hint}"
                yield Finding("unresolved-import", file.source, text, severity, found.line)

    def unanswered(self) -> Iterator[UnansweredImport]:
        """Imports of modules that nothing here has, and that are not of the standard library."""
        known, image = self._known, self._image
        if known.changes_path:
            return
        for file, found in self._statements():
            top = found.module.partition(".")[0]
            if found.level or is_standard(top) or top in image.provided or known.tops(top):
                continue
            if image.may_be_provided(top) or _describe_elsewhere(file, found, image):
                continue
            is_sure = file.path in self._loaded and not found.in_function
            is_sure = is_sure and image.is_complete and not known.has_makers
            yield UnansweredImport(
                file.source,
                found.line,
                found.module,
                found.names,
                found.is_joined,
                Severity.ERROR if is_sure else Severity.WARNING,
            )


def _describe(
    file: PythonFile, found: ImportStatement, known: ImportableModules, image: ImageModules
) -> Optional[Tuple[str, str, Severity]]:
    """The name of a module that is missing, what to do, and how certain that is."""
    certain = Severity.WARNING if found.in_function else Severity.ERROR
    sure = Severity.WARNING if known.has_makers else certain
    if found.level:
        missing = _describe_relative(file, found, image)
        if missing:
            return (*missing, certain)
        missing = _describe_missing(found.package_of(file.path), found, known)
        return (*missing, sure) if missing else None
    top = found.module.partition(".")[0]
    folders = known.tops(top)
    # The server's folder comes before the distributions.
    if top in image.provided or (folders != [APP] and image.may_be_provided(top)):
        return None
    if folders:
        # A namespace package has what each of its folders has, and may have more in a requirement.
        portions = [_describe_missing(folder, found, known) for folder in folders]
        missing = portions[0] if all(portions) else None
        is_open = folders != [APP] and not known.is_regular(join(folders[0], top))
    else:
        missing = None if known.changes_path else _describe_elsewhere(file, found, image)
        is_open = False
    if (is_open and image.distributions) or not image.is_complete:
        sure = Severity.WARNING
    return (*missing, sure) if missing else None


def _describe_relative(
    file: PythonFile, found: ImportStatement, image: ImageModules
) -> Optional[Tuple[str, str]]:
    """An import that Python refuses, whatever there is: the name, and why."""
    name = found.text if found.module else found.text + (found.names or ("",))[0]
    package = found.package_of(file.path)
    if package in ("", APP, PACKAGES):
        return name, (
            "which lies above the top-level package of this file. Import it by its name in an "
            "image, which begins below the truss's folder or that of its bundled packages."
        )
    if file.path == image.model_file and _is_loaded_alone(file.path, image.release):
        absolute = join(package.partition("/")[2], name.lstrip(".")).replace("/", ".")
        return name, (
            f"and Truss loads the file of the model class by itself, outside of any package. "
            f"Import `{absolute}`."
        )
    return None


def _is_loaded_alone(path: str, release: Tuple[int, ...]) -> bool:
    if release >= _LOADED_AS_PACKAGE:
        return path != f"{MODEL}/model.py"
    return release >= _LOADED_ALONE


def _is_reported(source: str, missing: str, reported: Collection[Tuple[str, str]]) -> bool:
    name = missing.lstrip(".")
    return any(
        importer == source and (module == name or module.endswith(f".{name}"))
        for importer, module in reported
    )


def _describe_missing(
    folder: str, found: ImportStatement, known: ImportableModules
) -> Optional[Tuple[str, str]]:
    """A module that a package of the truss lacks. `folder` is where the name begins."""
    package = folder if found.level else join(folder, found.module.partition(".")[0])
    missing = _missing_in(folder, found, known) if known.is_package(package) else ""
    if not missing:
        return None
    return missing, (
        "and the gathered truss does not have this module. Correct the import, or add the file and "
        "run `pants tailor`. If it is there, name its target in `dependencies`, or see whether "
        "`sources`, `.truss_ignore` or `.gitignore` leave it out."
    )


def _missing_in(folder: str, found: ImportStatement, known: ImportableModules) -> str:
    """The name of the module that `folder` lacks, or nothing."""
    dots = "." * found.level
    parts = found.module.split(".") if found.module else []
    for length in range(1, len(parts) + 1):
        path = join(folder, *parts[:length])
        if not known.has(path):
            parent = posixpath.dirname(path)
            is_sure = known.is_package(parent) and known.is_plain(parent)
            return dots + ".".join(parts[:length]) if is_sure else ""
    target = join(folder, *parts)
    if known.is_package(target) and known.is_empty(target) and known.is_plain(target):
        for name in found.names:
            if name != "*" and not known.has(join(target, name)):
                return f"{dots}{found.module}{'.' if found.module else ''}{name}"
    return ""


def _describe_elsewhere(
    file: PythonFile, found: ImportStatement, image: ImageModules
) -> Optional[Tuple[str, str]]:
    """An import of a file that the truss has, and that an image has under another name or not at
    all."""
    # The longest names first: they mean a file, and not the folder around it.
    modules = [*(f"{found.module}.{name}" for name in found.names), found.module]
    for module in modules:
        stem = module.replace(".", "/")
        beside = join(posixpath.dirname(file.path), f"{stem}.py")
        if beside in image.paths and beside != file.path:
            return module, _describe_own(image.paths[beside], stem, image)
        own = [each for each in file.leads_to if f"/{module_stem(each)}".endswith(f"/{stem}")]
        own += [image.in_truss[stem]] if stem in image.in_truss else []
        if own:
            return module, _describe_own(own[0], stem, image)
    return None


def _describe_own(source: str, stem: str, image: ImageModules) -> str:
    for path, origin in image.paths.items():
        if origin == source:
            name = module_name(path.partition("/")[2])
            return f"which is {source}, and the server has it as `{name}`. Import it by this name."
    return (
        f"which is {source}, and an image does not have it: it has the folders of the model, the "
        f"data and the bundled packages only. Move it to {join(image.packages_dir, stem)}.py, "
        f"which has this name there."
    )
