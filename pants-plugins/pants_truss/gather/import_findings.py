"""What `pants lint` reports of imports that bring no file into the gathered truss."""

from __future__ import annotations

from typing import AbstractSet, Iterable, Iterator, Sequence

from pants_truss.core import yaml_document
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.local_serving import needs_image
from pants_truss.core.module_names import NATIVE_SUFFIX, STUB_SUFFIX, module_stem
from pants_truss.core.paths import below, is_within
from pants_truss.core.requirement import guessed_names, parse_if_valid
from pants_truss.core.server_layout import served_folders
from pants_truss.imports.closure_step import UnbundledImport
from pants_truss.sources.config_file import TrussConfigFile

# They bring code into the image that no file of the repository tells about.
_BRING_CODE = ("base_image", "build_commands")


def import_findings(
    config_file: TrussConfigFile,
    unbundled: Iterable[UnbundledImport],
    requirements: Sequence[str],
    gathered: AbstractSet[str],
) -> Iterator[Finding]:
    """`requirements` are those of the gathered truss, and `gathered` the paths of its files."""
    provided = _provided(requirements)
    severity = Severity.NOTE if _brings_code(config_file) else Severity.WARNING
    for each in unbundled:
        top = each.module.partition(".")[0]
        if _canonical(top) in provided or _is_there(each.file, each.module, config_file, gathered):
            continue
        yield Finding(
            "dropped-file",
            each.importer,
            _describe_foreign(each) if each.truss else _describe_stub(each),
            severity,
        )


def _describe_foreign(each: UnbundledImport) -> str:
    return (
        f"it imports `{each.module}`, which only {each.file} of {each.truss} has. A truss cannot "
        f"use files of another truss, so nothing is bundled. If no requirement brings the module, "
        f"move the file to a folder outside all trusses."
    )


def _describe_stub(each: UnbundledImport) -> str:
    name = each.file.rpartition("/")[2][: -len(STUB_SUFFIX)]
    return (
        f"it imports `{each.module}`, but {each.file} is a type stub, and no module lies beside "
        f"it. If an extension module has it, build it as {name}{NATIVE_SUFFIX} in the same folder, "
        f"remove it from `.gitignore`, or name its target in `dependencies` of the target that "
        f"imports it."
    )


def _is_there(
    file: str, module: str, config_file: TrussConfigFile, gathered: AbstractSet[str]
) -> bool:
    """Returns True if a file of the gathered truss has the module: an explicit dependency may bring
    it, or its code may add a folder to the module path."""
    folder = config_file.path.rpartition("/")[0]
    ends = [f"/{module.replace('.', '/')}"]
    if file.startswith(f"{folder}/"):
        ends.append(f"/{module_stem(below(file, folder))}")
    return any(
        f"/{module_stem(path)}".endswith(tuple(ends))
        for path in gathered
        if any(is_within(path, served) for served in served_folders(config_file.config))
        and path.endswith((".py", NATIVE_SUFFIX))
    )


def _provided(requirements: Sequence[str]) -> AbstractSet[str]:
    lines = map(parse_if_valid, requirements)
    return {_canonical(name) for name in guessed_names(line for line in lines if line)}


def _canonical(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _brings_code(config_file: TrussConfigFile) -> bool:
    data = yaml_document.parse(config_file.content).data
    return needs_image(data) is not None or any(data.get(key) for key in _BRING_CODE)
