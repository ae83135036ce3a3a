"""Checks the files of a planned truss: their sizes, their names, and credentials in them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from pants.engine.fs import CreateDigest
from pants.engine.rules import collect_rules

from pants_truss.core import yaml_document
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.lint.file_checks import check_names, check_sizes
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.import_statements import imported_when_loaded
from pants_truss.core.lint.shadowing import Owner, check_shadowing, server_owners
from pants_truss.core.lint.unresolved_imports import ImportCheck
from pants_truss.core.paths import is_within
from pants_truss.core.requirement import parse_if_valid
from pants_truss.gather import plan, secret_files, unanswered_imports
from pants_truss.gather.plan import PlannedTruss, plan_truss
from pants_truss.gather.secret_files import (
    FoundSecrets,
    ScanForSecretsRequest,
    by_folder,
    scan_for_secrets,
)
from pants_truss.gather.unanswered_imports import (
    FirstPartyPackagesRequest,
    describe_unanswered,
    find_first_party_packages,
    find_module_answer,
    to_look_for,
)
from pants_truss.gather.unresolved_imports import import_check
from pants_truss.imports.python_owners import OwnModulesRequest, find_own_modules
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    get_digest_contents,
    implicitly,
    rule,
)
from pants_truss.pants_api.module_names import default_modules
from pants_truss.sources.file_entries import SourceFile, entry_at
from pants_truss.subsystems.lint import TrussLintSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.truss_cli.rules import TrussReleaseRequest, find_truss_release

# Longer code is generated data.
_MAX_CODE_BYTES = 1_000_000
# Modules that an image may have beside those of the server.
_MAY_BE_INSTALLED = {"pip", "pkg_resources", "setuptools", "wheel"}
# Keys of a config by which an image gets modules that lint cannot see.
_OTHER_SOURCES = ("base_image", "build_commands", "environment_variables")


@dataclass(frozen=True)
class ContentFindings:
    """`planned` is the plan that the findings are about. A rule that awaited both would be stale as
    soon as the plan changes. The policy of `[truss-lint]` has not been applied."""

    planned: PlannedTruss
    findings: Tuple[Finding, ...]


async def _unanswered_imports(
    truss: TrussFieldSet, planned: PlannedTruss, check: ImportCheck
) -> List[Finding]:
    reported = {module for _, modules in planned.missing for module in modules}
    unanswered = [each for each in check.unanswered() if each.module not in reported]
    if not unanswered:
        return []
    modules = await find_own_modules(
        OwnModulesRequest(truss.sources, truss.resolve, truss.config), **implicitly()
    )
    resolve = modules.resolve
    packages = await find_first_party_packages(FirstPartyPackagesRequest(resolve), **implicitly())
    answers = await concurrently(
        find_module_answer(each, **implicitly()) for each in to_look_for(unanswered, resolve)
    )
    return list(describe_unanswered(unanswered, answers, packages, bool(planned.requirements)))


@rule(desc="Check the files of a truss")
async def find_content_findings(
    truss: TrussFieldSet, subsystem: TrussLintSubsystem
) -> ContentFindings:
    planned = await plan_truss(truss, **implicitly())
    release = await find_truss_release(TrussReleaseRequest(), **implicitly())
    config = planned.config_file.config
    owners = server_owners(
        tuple(release.version),
        ".".join(str(part) for part in config.python),
        [file.path for file in planned.plan.files],
    )
    required = _required_modules(planned)
    findings: List[Finding] = [
        *_shadowing(planned, owners, required),
        *check_sizes(planned.plan.files, config.data_dir, subsystem.large_file_bytes),
        *check_names(planned.plan.files),
    ]
    to_scan = [] if "secret" in subsystem.disable else by_folder(_files_to_scan(planned))
    scanned = await concurrently(
        scan_for_secrets(ScanForSecretsRequest(files), **implicitly()) for files in to_scan
    )
    findings += _secrets(scanned)
    reached = _reached_files(planned)
    digest = await create_digest(
        CreateDigest([entry_at(file.path, file) for file in reached]), **implicitly()
    )
    contents = {file.path: file.content for file in await get_digest_contents(digest)}
    provided = _names_of_others(planned, owners, required)
    check = import_check(planned, reached, contents, provided, tuple(release.version))
    findings += check.findings([(each.importer, each.module) for each in planned.imports.unbundled])
    findings += await _unanswered_imports(truss, planned, check)
    findings += _missing_requirements(planned, contents)
    return ContentFindings(planned, tuple(findings))


def _missing_requirements(
    planned: PlannedTruss, contents: Mapping[str, bytes]
) -> Iterator[Finding]:
    """It is certain that the server cannot load a model that imports a missing distribution, unless
    a distribution of the list, or the repository, may bring it, or the import has a condition. A
    note stays one: it names what may bring the distribution."""
    if not planned.missing:
        return
    imported: FrozenSet[str] = frozenset()
    if not planned.requirements:
        imported = imported_when_loaded(contents.get(planned.config_file.config.model_file, b""))
    here = {part.partition(".")[0] for file in planned.plan.files for part in file.path.split("/")}
    for finding, modules in planned.missing:
        tops = {module.partition(".")[0] for module in modules}
        may_be_error = finding.severity is Severity.WARNING and not tops & here
        may_be_error = may_be_error and not tops & _MAY_BE_INSTALLED
        is_certain = may_be_error and any(
            name == module or name.startswith(f"{module}.")
            for name in imported
            for module in modules
        )
        yield replace(finding, severity=Severity.ERROR) if is_certain else finding


def _reached_files(planned: PlannedTruss) -> List[GatheredFile]:
    """The Python files that the model imports, and the model, where nothing but the truss and its
    requirements can have modules for them."""
    data = yaml_document.parse(planned.config_file.content).data
    if not planned.config_file.config.needs_model or any(data.get(key) for key in _OTHER_SOURCES):
        return []
    config = planned.config_file.config
    served = (posixpath.dirname(config.model_file), config.bundled_packages_dir)
    reached = set(planned.imports.graph.file_by_node.values())
    return [
        file
        for file in planned.plan.files
        if file.path.endswith(".py")
        and file.source in reached
        and file.size <= _MAX_CODE_BYTES
        and any(is_within(file.path, folder) for folder in served)
    ]


def _names_of_others(
    planned: PlannedTruss, owners: Sequence[Owner], required: FrozenSet[str]
) -> FrozenSet[str]:
    """Top-level names that the server or a requirement may have, as a package of a namespace too:
    a distribution `acme-storage` may be `acme.storage`."""
    # The folder of the model lies in that of the server, and is the truss's own.
    own = posixpath.dirname(planned.config_file.config.model_file)
    modules = {module for owner in owners for module in owner.modules if module != own} | required
    names = {name for r in planned.requirements for name in [_name_of(r.requirement)] if name}
    tops = {re.split(r"[-_.]", name)[0] for name in (*modules, *names)}
    tops |= {name.partition(".")[0] for name in modules}
    return frozenset(tops - {own.partition("/")[0]})


def _shadowing(
    planned: PlannedTruss, owners: Sequence[Owner], required: FrozenSet[str]
) -> Iterator[Finding]:
    config, files = planned.config_file.config, planned.plan.files
    if all(file.path != config.model_file for file in files):
        # Another server than Truss's own.
        return
    of_requirements = Owner(required, "one of its requirements", "shadowed-by-requirement")
    yield from check_shadowing(files, config.bundled_packages_dir, [*owners, of_requirements])


def _required_modules(planned: PlannedTruss) -> FrozenSet[str]:
    """What the requirements provide, by `modules` of their targets and by Pants' module mapping."""
    declared = {}
    for imported in planned.imports.requirements:
        line = _name_of(imported.requirement)
        if line:
            declared[line] = imported.modules
    names = [_name_of(required.requirement) for required in planned.requirements]
    modules = (declared.get(name) or default_modules(name) for name in names if name)
    return frozenset(module for provided in modules for module in provided)


def _name_of(requirement: str) -> Optional[str]:
    line = parse_if_valid(requirement)
    return line.name if line else None


def _files_to_scan(planned: PlannedTruss) -> Iterator[SourceFile]:
    for file in planned.plan.files:
        yield SourceFile(file.source or file.path, file.sha256, file.size)


def _secrets(scanned: Iterable[FoundSecrets]) -> Iterator[Finding]:
    for found in scanned:
        for path, secret in found.secrets:
            yield Finding(
                "secret",
                path,
                f"it holds {secret.what}, which every copy of the truss would carry. Remove "
                f"it, revoke it, and declare it in `secrets` of the config.",
                line=secret.line,
            )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *plan.rules(),
        *secret_files.rules(),
        *unanswered_imports.rules(),
    ]
