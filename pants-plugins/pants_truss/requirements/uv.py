"""Runs uv as a tool, to read a project as an image build does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from pants.backend.python.subsystems.repos import PythonRepos
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import VenvPexProcess, VenvPexRequest
from pants.backend.python.util_rules.pex_environment import PexEnvironment
from pants.engine.env_vars import EnvironmentVarsRequest
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.platform import Platform as LocalPlatform
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement_files import PYPROJECT, UV_LOCK
from pants_truss.core.uv_project import (
    EXPORT,
    annotated_registries,
    as_requirements,
    compile_arguments,
    describe_failure,
    locked_registries,
)
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    create_venv_pex,
    execute_venv_pex,
    get_environment_vars,
    implicitly,
    per_session,
    rule,
)
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.uv import TrussUv

# uv needs these to resolve: `git` for repositories, and a way to the indexes. It reads a lock
# without them, so that the result is the same on each machine.
_TO_RESOLVE: Tuple[str, ...] = (
    "PATH", "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE", "all_proxy", "https_proxy", "http_proxy", "no_proxy",
)  # fmt: skip
# Settings of this machine do not count: an image has none.
_NO_OTHER_CONFIG = {"XDG_CONFIG_HOME": ".no-config", "XDG_CONFIG_DIRS": ".no-config"}


@dataclass(frozen=True)
class UvProjectRequest:
    """`path` is that of a `uv.lock`, whose project is `pyproject`, or of the `pyproject.toml`
    itself; then `lock` is None. `python` is a version such as `3.11`."""

    path: str
    pyproject: bytes
    lock: Optional[bytes]
    python: str


@dataclass(frozen=True)
class UvProject:
    """The lines of a requirements file: what an image installs."""

    lines: Tuple[str, ...]


@rule(desc="Read a project with uv", level=LogLevel.DEBUG)
async def read_uv_project(
    request: UvProjectRequest,
    uv: TrussUv,
    python_setup: PythonSetup,
    python_repos: PythonRepos,
    pex_environment: PexEnvironment,
    local: LocalPlatform,
) -> UvProject:
    files, variables = [FileContent(PYPROJECT, request.pyproject)], _TO_RESOLVE
    if request.lock is not None:
        files.append(FileContent(UV_LOCK, request.lock))
        variables = ()
        arguments: Tuple[str, ...] = EXPORT
    else:
        arguments = compile_arguments(
            request.python,
            python_repos.indexes,
            python_repos.find_links,
            is_linux=local.value.startswith("linux"),
        )
    environment = await get_environment_vars(EnvironmentVarsRequest(variables), **implicitly())
    tool, digest = await concurrently(
        create_venv_pex(
            VenvPexRequest(
                tool_pex_request(uv, python_setup),
                pex_environment.in_sandbox(working_directory=None),
            ),
            **implicitly(),
        ),
        create_digest(CreateDigest(files), **implicitly()),
    )
    result = await execute_venv_pex(
        VenvPexProcess(
            tool,
            argv=(*arguments, "--no-cache"),
            input_digest=digest,
            extra_env={**environment, **_NO_OTHER_CONFIG},
            description=f"Read {request.path} with uv",
            level=LogLevel.DEBUG,
        )
    )
    if result.exit_code:
        # An index may answer again in the next run.
        await find_session(SessionRequest(), **implicitly())
        command = "export --frozen" if request.lock is not None else f"pip install -r {PYPROJECT}"
        stderr = result.stderr.decode("utf-8", "replace")
        raise TrussError(describe_failure(stderr, command, request.path))
    if request.lock is not None:
        registries = locked_registries(request.path, request.lock)
    else:
        registries = annotated_registries(result.stdout)
    return UvProject(as_requirements(result.stdout, registries, python_repos.indexes, request.path))


def rules() -> Iterable[object]:
    return [*collect_rules(), *per_session.rules(), *pex.rules()]
