"""Imports of modules that neither a gathered truss nor a known distribution has.

The repository may have them, and Pants has inferred no dependency: two targets own the module, or
the parser of Pants overlooks the statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple

from pants.backend.python.dependency_inference import module_mapper
from pants.backend.python.dependency_inference.module_mapper import (
    FirstPartyPythonModuleMapping,
    ModuleProviderType,
)
from pants.core.util_rules import stripped_source_files
from pants.engine.rules import collect_rules

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.unresolved_imports import UnansweredImport
from pants_truss.imports.import_graph import file_of
from pants_truss.imports.module_elsewhere import find_code_of_module
from pants_truss.pants_api import rule


@dataclass(frozen=True)
class FirstPartyPackagesRequest:
    """`resolve` is that of a truss; None without resolves."""

    resolve: Optional[str]


@dataclass(frozen=True)
class FirstPartyPackages:
    """Top-level names of the modules that targets own, type stubs apart: these may describe a
    distribution."""

    names: Tuple[str, ...]


@rule
async def find_first_party_packages(
    request: FirstPartyPackagesRequest, mapping: FirstPartyPythonModuleMapping
) -> FirstPartyPackages:
    """Modules come and go, and their top-level names seldom: what depends on these stays valid."""
    return FirstPartyPackages(
        tuple(
            sorted(
                {
                    module.partition(".")[0]
                    for resolve, modules in mapping.resolves_to_modules_to_providers.items()
                    for module, providers in modules.items()
                    if request.resolve in (None, resolve)
                    and any(each.typ is ModuleProviderType.IMPL for each in providers)
                }
            )
        )
    )


@dataclass(frozen=True)
class ModuleAnswerRequest:
    """`names` are what `from module import` takes."""

    module: str
    names: Tuple[str, ...]
    resolve: Optional[str]


@dataclass(frozen=True)
class ModuleAnswer:
    """`files` of the repository have `module`, each with the address of its target."""

    module: str
    files: Tuple[Tuple[str, str], ...]


@rule(desc="Look for a module that Pants infers no dependency for")
async def find_module_answer(request: ModuleAnswerRequest) -> ModuleAnswer:
    modules = [request.module, *(f"{request.module}.{name}" for name in request.names)]
    for module in modules:
        targets = await find_code_of_module(module, request.resolve)
        files = [(file_of(each) or "", each.address.spec) for each in targets if file_of(each)]
        if files:
            return ModuleAnswer(module, tuple(sorted(files)))
    return ModuleAnswer(request.module, ())


def describe_unanswered(
    unanswered: Sequence[UnansweredImport],
    answers: Sequence[ModuleAnswer],
    packages: FirstPartyPackages,
    has_requirements: bool,
) -> Iterator[Finding]:
    """Yields a warning for a module that no file has if a requirement may bring it: it may require
    a distribution that has the name of a folder of the repository."""
    for found, answer in zip(unanswered, answers):
        why = _describe(found, answer, packages)
        if why:
            text = f"it imports `{answer.module}`, {why}"
            is_open = has_requirements and not answer.files
            severity = Severity.WARNING if is_open else found.severity
            yield Finding("unresolved-import", found.source, text, severity, found.line)


def _describe(
    found: UnansweredImport, answer: ModuleAnswer, packages: FirstPartyPackages
) -> Optional[str]:
    if not answer.files:
        if found.module.partition(".")[0] not in packages.names:
            return None
        return (
            "and no target owns this module. Correct the import, or add the file and run `pants "
            "tailor`. If the file is there, see whether `.gitignore` or `pants_ignore` hides it."
        )
    if len(answer.files) > 1:
        listed = " and ".join(f"{file} ({address})" for file, address in answer.files)
        return (
            f"which {listed} have, so Pants bundles neither. Name one in `dependencies` of the "
            f"target that owns {found.source}, or exclude the others there with `!`."
        )
    if found.is_joined:
        return (
            f"which is {answer.files[0][0]}, and the parser of this Pants overlooks a statement "
            f"that imports several modules. Write each import on a line of its own, or set "
            f"`[python-infer].use_rust_parser = false`."
        )
    # The dependency is excluded: what brings the module is not known here.
    return None


def to_look_for(
    unanswered: Iterable[UnansweredImport], resolve: Optional[str]
) -> List[ModuleAnswerRequest]:
    return [ModuleAnswerRequest(each.module, each.names, resolve) for each in unanswered]


def rules() -> Iterable[object]:
    return [*collect_rules(), *module_mapper.rules(), *stripped_source_files.rules()]
