"""Data files beside the code of a truss that are not part of it, and the targets that add them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Collection, Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from pants.core.target_types import FileSourceField, ResourceSourceField
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest
from pants.engine.rules import collect_rules
from pants.engine.target import Target

from pants_truss.core.data_files import (
    is_data,
    is_folder_named,
    is_named,
    leaves_its_folder,
    named_strings,
)
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.globs import escape_glob
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.paths import below, is_within
from pants_truss.imports.import_graph import file_of
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    create_digest,
    get_digest_contents,
    implicitly,
    resolve_targets,
    rule,
)
from pants_truss.sources import loose_files
from pants_truss.sources.file_entries import SourceFile, source_entries
from pants_truss.sources.folder_specs import in_folder_or_above
from pants_truss.sources.loose_files import (
    LooseFile,
    LooseFiles,
    LooseFilesRequest,
    find_loose_files,
)


@dataclass(frozen=True)
class UnusedDataRequest:
    """The modules of one folder that a gathered truss holds, and all its files from that folder:
    trusses that share the folder share the answer."""

    folder: str
    modules: Tuple[SourceFile, ...]
    gathered: FrozenSet[str]


@dataclass(frozen=True)
class UnusedData:
    """Files that the truss lacks: those that a module names, each with the module, and others that
    look like data. Paths are relative to the build root."""

    named: Tuple[Tuple[str, str], ...]
    others: Tuple[str, ...]


# Levels of folders below a module in which the files are looked at that it names.
_DEPTH = 4


@rule
async def find_unused_data(request: UnusedDataRequest) -> UnusedData:
    loose = await find_loose_files(LooseFilesRequest(request.folder, _DEPTH), **implicitly())
    above = LooseFiles(())
    parent = posixpath.dirname(request.folder)
    if parent:
        above = await find_loose_files(LooseFilesRequest(parent), **implicitly())
    unused = [file for file in loose.files if file.path not in request.gathered]
    known = {file.path for file in loose.files} | request.gathered
    # A folder above has many files that are not data: documents, settings of tools.
    unused_above = [
        file for file in above.files if file.path not in known and is_data(below(file.path, parent))
    ]
    if not unused and not unused_above:
        # Most folders have no such file, and then no module is read.
        return UnusedData((), ())
    digest = await create_digest(CreateDigest(source_entries(request.modules)), **implicitly())
    contents = await get_digest_contents(digest)
    strings = {file.path: named_strings(file.content) for file in contents}
    leaving = sorted(file.path for file in contents if leaves_its_folder(file.content))
    named = [
        (file.path, module)
        for file in unused
        for module in sorted(strings)
        if _names(strings[module], request.folder, file, not _is_near(request.folder, file))
    ]
    named += [
        (file.path, module)
        for file in unused_above
        for module in leaving
        if _names(strings[module], parent, file, True)
    ]
    # One module is enough to say that a file is needed.
    first = {path: module for path, module in reversed(named)}
    others = [
        file.path
        for file in unused
        if file.path not in first
        and _is_near(request.folder, file)
        and is_data(below(file.path, request.folder))
    ]
    return UnusedData(tuple(sorted(first.items())), tuple(others))


def _names(strings: Collection[str], folder: str, file: LooseFile, in_whole: bool) -> bool:
    path = below(file.path, folder)
    return is_named(path, strings) and (not in_whole or is_folder_named(path, strings))


def _is_near(folder: str, file: LooseFile) -> bool:
    """True if no other code lies nearer to the file."""
    return not file.has_own_code and below(file.path, folder).count("/") < 2


@dataclass(frozen=True)
class DataAdviceRequest:
    """A file that a truss lacks. `module` is the address of the target whose code opens it; None
    for a file without a target, such as an `__init__.py`."""

    path: str
    module: Optional[str]
    truss: str


@dataclass(frozen=True)
class DataAdvice:
    """Sentences that say what to write where. `is_owned` says whether a target owns the file."""

    text: str
    is_owned: bool


@rule
async def find_data_advice(request: DataAdviceRequest) -> DataAdvice:
    folder = posixpath.dirname(request.path)
    addresses = await addresses_from_raw_specs_without_file_owners(
        in_folder_or_above(folder, "the data files of a truss"), **implicitly()
    )
    targets = await resolve_targets(addresses)
    loose = await find_loose_files(LooseFilesRequest(folder), **implicitly())
    file = next((file for file in loose.files if file.path == request.path), None)
    seen = _describe_ignored(file) if file and file.ignored_by else ""
    generator = _generator(request.module, targets)
    owner = next((t for t in targets if file_of(t) == request.path and _is_bundled(t)), None)
    if owner is not None:
        depend = _depend(owner.address.spec, generator, request.truss)
        return DataAdvice(f"{seen}`{owner.alias}` {owner.address} owns it. {depend}", True)
    # Sources of a target lie below its BUILD file.
    is_below = generator is not None and is_within(request.path, generator.spec_path)
    build = generator.spec_path if generator and is_below else folder
    taken = {address.target_name for address in addresses if address.spec_path == build}
    name = next(n for n in ("data", *map("data{}".format, range(2, 99))) if n not in taken)
    relative = _quoted(escape_glob(posixpath.relpath(request.path, build or ".")))
    depend = _depend(f":{name}" if is_below else f"{build}:{name}", generator, request.truss)
    return DataAdvice(
        f'{seen}No target owns it. Add `resources(name="{name}", sources=[{relative}])` to '
        f"{build or 'the build root'}/BUILD. {depend}",
        False,
    )


def _describe_ignored(file: LooseFile) -> str:
    assert file.ignored_by is not None
    line = file.ignored_by
    # A file of an ignored folder cannot be taken back alone.
    back = f"!/{escape_glob(file.ignored)}{'/' if file.ignored != file.path else ''}"
    return (
        f"Pants ignores it by `{line.pattern.strip()}` ({line.origin}): add "
        f"`pants_ignore.add = [{_quoted(back)}]` to `[GLOBAL]` in pants.toml. "
    )


def _quoted(text: str) -> str:
    """A string of a BUILD file, or of pants.toml."""
    return repr(text) if re.search(r'["\\]', text) else f'"{text}"'


def _is_bundled(target: Target) -> bool:
    return target.has_field(ResourceSourceField) or target.has_field(FileSourceField)


def _generator(module: Optional[str], targets: Iterable[Target]) -> Optional[Address]:
    """The target in a BUILD file that owns the module."""
    found = next((t.address for t in targets if t.address.spec == module), None)
    return found.maybe_convert_to_target_generator() if found else None


def _depend(data: str, generator: Optional[Address], truss: str) -> str:
    field = f'`dependencies=["{data}"]`'
    if generator is None:
        return f"Add {field} to the target {truss}."
    return f"Add {field} to the target {generator}, whose code opens it."


def data_requests(files: Iterable[GatheredFile]) -> List[UnusedDataRequest]:
    """One request for each folder that has a module of the gathered truss in it."""
    modules: Dict[str, List[SourceFile]] = {}
    around: Dict[str, List[str]] = {}
    for file in files:
        if file.source:
            folder = posixpath.dirname(file.source)
            if file.path.endswith(".py"):
                module = SourceFile(file.source, file.sha256, file.size)
                modules.setdefault(folder, []).append(module)
            for _ in range(_DEPTH + 1):
                around.setdefault(folder, []).append(file.source)
                if not folder:
                    break
                folder = posixpath.dirname(folder)
    return [
        UnusedDataRequest(
            folder,
            tuple(found),
            frozenset([*around[folder], *around.get(posixpath.dirname(folder), ())]),
        )
        for folder, found in sorted(modules.items())
    ]


def describe_own(path: str, module: str, target: str) -> Finding:
    """A file in the folder of a truss or of an external package, whose target leaves it out."""
    return Finding(
        "dropped-file",
        path,
        f"{module} names it, but the truss does not have it. Add it to `sources` of {target}, or "
        f"take it back with a `!` line in `.truss_ignore` of the truss.",
        Severity.WARNING,
    )


def describe_named(path: str, module: str, advice: DataAdvice) -> Finding:
    return Finding(
        "dropped-file",
        path,
        f"{module} names it, but the truss does not have it. {advice.text}",
        Severity.WARNING,
    )


def describe_others(paths: Sequence[str], folder: str, advice: DataAdvice) -> Finding:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Finding(
        "dropped-file",
        paths[0],
        f"the code in {folder or 'the build root'} may open this file{more}, but the truss does "
        f"not have it. If the code opens it: {advice.text}",
        Severity.NOTE,
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *loose_files.rules()]
