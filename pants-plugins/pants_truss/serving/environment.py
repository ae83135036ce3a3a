"""The Python environments that a truss runs in: virtual environments that Pex makes."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from typing import Iterable, Optional, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.backend.python.util_rules.pex import PexRequest, PexResolveInfo, VenvPexRequest
from pants.backend.python.util_rules.pex_environment import PexEnvironment
from pants.backend.python.util_rules.pex_requirements import (
    EntireLockfile,
    Lockfile,
    PexRequirements,
    Resolve,
)
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.process import ProcessExecutionFailure
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.environment import (
    Distribution,
    Wanted,
    describe_unverifiable,
    disagreements,
    joint_requirements,
    own_requirements,
    without_hashes,
)
from pants_truss.core.errors import TrussError
from pants_truss.core.paths import normalize_inside
from pants_truss.core.pex_errors import explain_failure
from pants_truss.core.server_bounds import contradictions, describe_contradictions
from pants_truss.core.terminal import visible
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    create_venv_pex,
    get_venv_pex_distributions,
    implicitly,
    per_session,
    rule,
)
from pants_truss.pants_api.lockfiles import NEWEST_PYTHON_OF_LOCKFILES, shipped_lockfile
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.requirements import lockfile
from pants_truss.requirements.lockfile import ReadLockfileRequest, read_lockfile
from pants_truss.serving import server_files
from pants_truss.serving.server_files import ServerFilesRequest, get_server_files
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.serving import TrussServer
from pants_truss.subsystems.truss_cli import TrussCli

logger = logging.getLogger(__name__)

# The Python versions that the plugin's own lockfile of the server is for.
LOCKED_PYTHONS = ((3, 9), (3, 12))
_LOCKFILE = f"resource://pants_truss.requirements/{shipped_lockfile('truss_server')}"


@dataclass(frozen=True)
class BuildEnvironmentRequest:
    """Has a PEX built, for the truss at `address`, whose requirements are written in `origin`, and
    whose Python is `python`."""

    pex: PexRequest
    address: Address
    origin: str
    python: Tuple[int, int]


@dataclass(frozen=True)
class BuiltEnvironment:
    distributions: Tuple[Distribution, ...]


@rule(desc="Build an environment for a truss", level=LogLevel.DEBUG)
async def build_environment(
    request: BuildEnvironmentRequest, pex_environment: PexEnvironment
) -> BuiltEnvironment:
    in_sandbox = pex_environment.in_sandbox(working_directory=None)
    try:
        venv_pex = await create_venv_pex(VenvPexRequest(request.pex, in_sandbox), **implicitly())
    except ProcessExecutionFailure as e:
        await find_session(SessionRequest(), **implicitly())
        raise InvalidTruss.of(
            request.address,
            explain_failure(str(e), request.origin, dotted(request.python)),
        ) from None
    return BuiltEnvironment(_distributions(await get_venv_pex_distributions(venv_pex)))


def _distributions(info: PexResolveInfo) -> Tuple[Distribution, ...]:
    return tuple(
        Distribution(
            found.project_name,
            str(found.version),
            tuple(str(text) for text in found.requires_dists),
        )
        for found in info
    )


@dataclass(frozen=True)
class ServerEnvironmentRequest:
    python: Tuple[int, int]


@dataclass(frozen=True)
class ServerEnvironment:
    """One for all trusses with a Python version. `requirements` and `constraints` are those of the
    release, as bounds for what a truss has of its own."""

    pex: PexRequest
    requirements: Tuple[str, ...]
    constraints: Tuple[str, ...]


@rule
async def find_server_environment(
    request: ServerEnvironmentRequest, server: TrussServer, truss_cli: TrussCli
) -> ServerEnvironment:
    files = await get_server_files(ServerFilesRequest(), **implicitly())
    lines = _with_wheels(files.requirements, request.python)
    requirements: object
    if server.install_from_resolve:
        requirements = PexRequirements(from_superset=Resolve(server.install_from_resolve, True))
    elif not truss_cli.install_from_resolve and _is_locked(request.python):
        requirements = EntireLockfile(
            Lockfile(_LOCKFILE, "the lockfile of pants_truss", "truss-server")
        )
    else:
        requirements = _pex_requirements(joint_requirements((), lines, files.constraints))
    pex_request = _pex_request("truss_server", requirements, request.python)
    return ServerEnvironment(pex_request, lines, files.constraints)


def _is_locked(python: Tuple[int, int]) -> bool:
    return LOCKED_PYTHONS[0] <= python <= (NEWEST_PYTHON_OF_LOCKFILES or LOCKED_PYTHONS[1])


def _with_wheels(requirements: Iterable[str], python: Tuple[int, int]) -> Tuple[str, ...]:
    """numpy below 2, which the server lists, has no wheels for Python 3.13: an image compiles it.
    Its constraints, which hold for all, allow numpy 2."""
    return tuple(
        "numpy" if python >= (3, 13) and re.match(r"numpy\b", line) else line
        for line in requirements
    )


def _pex_requirements(wanted: Wanted) -> PexRequirements:
    return PexRequirements(wanted.requirements, constraints_strings=wanted.constraints)


def _pex_request(name: str, requirements: object, python: Tuple[int, int]) -> PexRequest:
    return PexRequest(
        output_filename=f"{name}.pex",
        internal_only=True,
        requirements=requirements,  # type: ignore[arg-type]
        interpreter_constraints=_constraints(python),
    )


def _constraints(python: Tuple[int, int]) -> InterpreterConstraints:
    return InterpreterConstraints([f"CPython=={dotted(python)}.*"])


def dotted(python: Tuple[int, int]) -> str:
    """(3, 11) -> `3.11`."""
    return f"{python[0]}.{python[1]}"


@dataclass(frozen=True)
class TrussVenvsRequest:
    """`requirements` are the lines of `origin`. `resolve` is the one whose lockfile they are pinned
    to, None if they are resolved from the index. Without `server` the truss has only its own.
    Unless `is_bounded`, the constraints of the model server do not hold for them."""

    address: Address
    python: Tuple[int, int]
    requirements: Tuple[str, ...]
    origin: str
    resolve: Optional[str]
    server: bool = True
    is_bounded: bool = True


@dataclass(frozen=True)
class TrussVenvs:
    """`pexes` in the order in which their distributions are found."""

    pexes: Tuple[PexRequest, ...]


@dataclass(frozen=True)
class PlannedEnvironment:
    """The PEXes that the environment of a truss can be made of: `own` in front of `server`, or
    `joint` if these two disagree. `own` is None for a truss without requirements of its own.
    `server` and `joint` are None if no server is asked for.

    `joint` is None for a list with hashes too: the server's list has none, and an image installs
    the one over the other. `unverifiable` says why hashes are not checked, if that is so.
    """

    own: Optional[PexRequest]
    server: Optional[PexRequest]
    joint: Optional[PexRequest]
    unverifiable: Optional[str] = None


async def _resolved_pex(name: str, wanted: Wanted, python: Tuple[int, int]) -> PexRequest:
    if describe_unverifiable(wanted):
        wanted = without_hashes(wanted)
    request = _pex_request(name, _pex_requirements(wanted), python)
    if not wanted.file:
        return request
    # Hashes and indexes cannot be said in an argument list. Pex hands the file to pip.
    file = f"{name}.txt"
    digest = await create_digest(
        CreateDigest([FileContent(file, wanted.file.encode())]), **implicitly()
    )
    return replace(
        request,
        requirements=PexRequirements((), constraints_strings=wanted.constraints),
        additional_args=("--requirement", file),
        additional_inputs=digest,
    )


async def _own_pex(
    request: TrussVenvsRequest, wanted: Wanted, resolve: Optional[str]
) -> PexRequest:
    if not resolve or not wanted.requirements:
        return await _resolved_pex("requirements", wanted, request.python)
    requirements = PexRequirements(wanted.requirements, from_superset=Resolve(resolve, False))
    return _pex_request("requirements", requirements, request.python)


@rule
async def plan_truss_environment(
    request: TrussVenvsRequest, python_setup: PythonSetup
) -> PlannedEnvironment:
    try:
        alone = own_requirements(request.requirements, (), ())
    except TrussError as e:
        raise InvalidTruss.of(request.address, e, request.origin) from None
    resolve = request.resolve
    path = normalize_inside(python_setup.resolves.get(resolve, "")) if resolve else None
    if resolve and path:
        locked = await read_lockfile(
            ReadLockfileRequest(path, resolve, dotted(request.python)), **implicitly()
        )
        # Pex takes a part of its own lockfiles only; the pins are exact anyway.
        is_divisible = locked.has_edges and locked.is_pexs
        resolve = resolve if is_divisible else None
    unverifiable = describe_unverifiable(alone)
    if not request.server:
        own = await _own_pex(request, alone, resolve)
        return PlannedEnvironment(own, None, None, unverifiable)
    server = await find_server_environment(ServerEnvironmentRequest(request.python), **implicitly())
    if not alone.requirements:
        return PlannedEnvironment(None, server.pex, None)
    constraints = server.constraints if request.is_bounded else ()
    if request.resolve:
        _refuse_contradictions(request, constraints)
    bounded = own_requirements(request.requirements, server.requirements, constraints)
    joint = joint_requirements(request.requirements, server.requirements, constraints)
    if joint.has_hashes and not unverifiable:
        joint_pex = None
    else:
        joint_pex = await _resolved_pex("truss_and_server", joint, request.python)
    own = await _own_pex(request, bounded, resolve)
    return PlannedEnvironment(own, server.pex, joint_pex, unverifiable)


def _refuse_contradictions(request: TrussVenvsRequest, constraints: Iterable[str]) -> None:
    """Pex takes pins from a lockfile without a look at constraints."""
    found = contradictions(request.requirements, constraints)
    if found:
        raise InvalidTruss.of(
            request.address,
            f"{describe_contradictions(found, 'that serves it')}. Change the requirements of the "
            f"resolve {request.resolve}, and run `pants generate-lockfiles "
            f"--resolve={request.resolve}`.",
            request.origin,
        )


@rule(desc="Find the environment of a truss")
async def find_truss_environment(request: TrussVenvsRequest) -> TrussVenvs:
    planned = await plan_truss_environment(request, **implicitly())
    if planned.unverifiable:
        logger.warning(
            visible(
                f"{request.address} ({request.origin}): {planned.unverifiable}. The hashes are not "
                f"checked here."
            )
        )
    pexes = tuple(pex_request for pex_request in (planned.own, planned.server) if pex_request)
    # The requirements of the server are not in the config of the truss.
    origins = {planned.server: "the list of the Truss release for its model server"}
    built = await concurrently(
        build_environment(
            _build(request, pex_request, origins.get(pex_request, request.origin)), **implicitly()
        )
        for pex_request in pexes
    )
    if not planned.joint or not disagreements(
        built[0].distributions, built[1].distributions, dotted(request.python)
    ):
        return TrussVenvs(pexes)
    await build_environment(_build(request, planned.joint, request.origin), **implicitly())
    return TrussVenvs((planned.joint,))


def _build(
    request: TrussVenvsRequest, pex_request: PexRequest, origin: str
) -> BuildEnvironmentRequest:
    return BuildEnvironmentRequest(pex_request, request.address, origin, request.python)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *lockfile.rules(),
        *pex.rules(),
        *server_files.rules(),
        *per_session.rules(),
    ]
