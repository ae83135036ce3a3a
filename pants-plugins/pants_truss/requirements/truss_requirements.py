"""The requirements of a truss: those in its config, or pins from the lockfile of its resolve."""

from __future__ import annotations

from typing import Iterable, Optional, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.paths import normalize_inside
from pants_truss.core.requirement import redacted
from pants_truss.core.requirement_files import is_beside, is_read_by_uv
from pants_truss.imports.import_closure import ImportedRequirement
from pants_truss.pants_api import (
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    per_session,
    rule,
)
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.requirements.configured import as_configured, describe_missing, without_required
from pants_truss.requirements.local_sources import describe_local_sources
from pants_truss.requirements.lockfile import ReadLockfileRequest, read_lockfile
from pants_truss.requirements.pinned import as_locked
from pants_truss.requirements.request import TrussRequirements, TrussRequirementsRequest
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.globs import all_of
from pants_truss.subsystems.truss_cli import TrussCli
from pants_truss.target_types.truss import RequirementsMode

__all__ = ["TrussRequirements", "TrussRequirementsRequest", "find_requirements", "rules"]


@rule(desc="Find the requirements of a truss")
async def find_requirements(
    request: TrussRequirementsRequest, python_setup: PythonSetup, truss_cli: TrussCli
) -> TrussRequirements:
    if request.field.value == RequirementsMode.CONFIG.value:
        path = request.requirements_file
        globs = all_of(is_beside(path) if path else [])
        digest = await path_globs_to_digest(globs, **implicitly())
        contents = {file.path: file.content for file in await get_digest_contents(digest)}
        # uv itself reads its files later, at the installation.
        content = b"" if is_read_by_uv(path) else contents.get(path or "", b"")
        configured = as_configured(request, content)
        findings = (*configured.findings, *describe_local_sources(path or "", contents, request))
        missing: Iterable[ImportedRequirement] = configured.missing
        place = _lockfile_of_code(request, python_setup) if configured.missing else None
        if place:
            try:
                locked = await read_lockfile(
                    ReadLockfileRequest(*place, request.python), **implicitly()
                )
                missing = without_required(request, configured, locked)
            except TrussError:
                # Nothing is installed from it, so it does not need to be there.
                await find_session(SessionRequest(), **implicitly())
        described = tuple(describe_missing(request, missing))
        return TrussRequirements(None, configured.listed, findings, described)
    resolve = _resolve(request, python_setup)
    path = _lockfile_path(request, resolve, python_setup)
    try:
        locked = await read_lockfile(
            ReadLockfileRequest(path, resolve, request.python), **implicitly()
        )
        return as_locked(request, resolve, path, locked, not truss_cli.install_from_resolve)
    except TrussError as e:
        raise InvalidTruss.of(request.address, e) from None


def _lockfile_of_code(
    request: TrussRequirementsRequest, python_setup: PythonSetup
) -> Optional[Tuple[str, str]]:
    """The path of the lockfile of the code's resolve, and the resolve."""
    if not python_setup.enable_resolves:
        return None
    resolve = request.resolve or python_setup.default_resolve
    path = normalize_inside(python_setup.resolves.get(resolve, ""))
    return (path, resolve) if path else None


def _resolve(request: TrussRequirementsRequest, python_setup: PythonSetup) -> str:
    address = request.address
    mode = f'`requirements="{RequirementsMode.LOCKFILE.value}"`'
    if request.config_file.config.requirements_file:
        raise InvalidTruss.of(
            address,
            f"it has {mode}, and {request.config_path} has `requirements_file: "
            f"{request.config_file.config.requirements_file}`. Remove one of the two.",
        )
    if not python_setup.enable_resolves:
        raise InvalidTruss.of(
            address,
            f"it has {mode}, but the repository has no resolves. Set `[python].enable_resolves` "
            f"and `[python].resolves` in pants.toml.",
        )
    resolve = request.resolve or python_setup.default_resolve
    for required in request.imported:
        if required.resolve not in (None, resolve):
            raise InvalidTruss.of(
                address,
                f"its resolve is {resolve}, but {redacted(required.requirement)!r} "
                f"({required.address}, {required.reason}) belongs to the resolve "
                f"{required.resolve}. Use one resolve for the truss and all that it imports.",
            )
    return resolve


def _lockfile_path(
    request: TrussRequirementsRequest, resolve: str, python_setup: PythonSetup
) -> str:
    path = python_setup.resolves.get(resolve)
    if path is None:
        raise InvalidTruss.of(
            request.address,
            f"its resolve is {resolve}, which `[python].resolves` does not name. Set `resolve` to "
            f"one of: {', '.join(sorted(python_setup.resolves))}.",
        )
    inside = normalize_inside(path)
    if inside is None:
        raise InvalidTruss.of(
            request.address,
            f"the lockfile of its resolve {resolve} is {path}, which lies outside the build root.",
        )
    return inside


def rules() -> Iterable[object]:
    return [*collect_rules(), *per_session.rules()]
