"""Runs Truss as a tool."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.process import Process
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core import lockfile
from pants_truss.core.paths import normalize_inside
from pants_truss.core.requirement import marker_environments
from pants_truss.core.terminal import visible
from pants_truss.core.tool_output import last_line
from pants_truss.pants_api import create_digest, execute_process, implicitly, rule
from pants_truss.requirements.lockfile import ReadLockfileRequest, read_lockfile
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, Scripts, prepare_launch
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.truss_cli import TrussCli


class TrussCliFailed(Exception):
    """The tool itself failed."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


@dataclass(frozen=True)
class TrussReleaseRequest:
    pass


@dataclass(frozen=True)
class TrussRelease:
    """`version` is that of the tool's lockfile, such as (0, 18, 35)."""

    version: Tuple[int, ...]


_PYTHON = "3.11"

VALIDATE_CONFIG = ("pants_truss.truss_cli", "validate_config.py")


@rule
async def find_truss_release(
    _: TrussReleaseRequest, truss_cli: TrussCli, python_setup: PythonSetup
) -> TrussRelease:
    resolve = truss_cli.install_from_resolve
    if resolve:
        path = normalize_inside(python_setup.resolves.get(resolve, ""))
        if path is None:
            raise TrussCliFailed(
                f"`[truss-cli].install_from_resolve` is {resolve!r}, but `[python].resolves` does "
                f"not name it with a path in the repository. Add it there."
            )
        locked = await read_lockfile(ReadLockfileRequest(path, resolve, _PYTHON), **implicitly())
    else:
        package, name = TrussCli.default_lockfile_resource
        locked = lockfile.parse(
            pkgutil.get_data(package, name) or b"", marker_environments(_PYTHON)
        )
    if "truss" not in locked.distributions:
        raise TrussCliFailed(
            f"The resolve {resolve!r} of `[truss-cli].install_from_resolve` does not have `truss`. "
            f"Add it to the requirements and run `pants generate-lockfiles --resolve={resolve}`."
        )
    return TrussRelease(parse_version(locked.distributions["truss"].version or ""))


def parse_version(version: str) -> Tuple[int, ...]:
    parts = []
    for part in version.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


@dataclass(frozen=True)
class TrussScriptRequest:
    """Runs a script of this plugin inside the tool, in a folder with `input_digest`. `scripts` are
    (package, file name) of the script and of those that it imports."""

    scripts: Scripts
    argv: Tuple[str, ...]
    input_digest: Digest
    description: str
    output_files: Tuple[str, ...] = ()
    output_directories: Tuple[str, ...] = ()


@dataclass(frozen=True)
class TrussScriptResult:
    """`digest` holds the requested outputs."""

    exit_code: int
    stdout: bytes
    stderr: str
    digest: Digest

    @property
    def last_line(self) -> str:
        return last_line(self.stderr)


@rule(desc="Run Truss", level=LogLevel.DEBUG)
async def run_truss_script(
    request: TrussScriptRequest, truss_cli: TrussCli, python_setup: PythonSetup
) -> TrussScriptResult:
    launched = await prepare_launch(
        LaunchRequest(
            request.scripts, (tool_pex_request(truss_cli, python_setup),), request.input_digest
        ),
        **implicitly(),
    )
    result = await execute_process(
        Process(
            argv=(*launched.sandbox_args, *request.argv),
            input_digest=launched.digest,
            env={"HOME": "."},
            append_only_caches=launched.append_only_caches,
            output_files=request.output_files,
            output_directories=request.output_directories,
            description=request.description,
            level=LogLevel.DEBUG,
        ),
        **implicitly(),
    )
    return TrussScriptResult(
        result.exit_code,
        result.stdout,
        result.stderr.decode("utf-8", "replace"),
        result.output_digest,
    )


@dataclass(frozen=True)
class ValidateConfigsRequest:
    """In one process, of which most is the start."""

    contents: Tuple[bytes, ...]


@dataclass(frozen=True)
class ConfigError:
    """`key` is the path of the value, if Truss reports one."""

    key: Tuple[str, ...]
    message: str


@dataclass(frozen=True)
class ValidatedConfigs:
    """The errors of each config, in the order of the request."""

    errors: Tuple[Tuple[ConfigError, ...], ...]


@rule(desc="Validate configs with Truss", level=LogLevel.DEBUG)
async def validate_configs(request: ValidateConfigsRequest) -> ValidatedConfigs:
    names = tuple(f"{number}.yaml" for number in range(len(request.contents)))
    digest = await create_digest(
        CreateDigest(map(FileContent, names, request.contents)), **implicitly()
    )
    what = "a config" if len(names) == 1 else f"{len(names)} configs"
    result = await run_truss_script(
        TrussScriptRequest((VALIDATE_CONFIG,), names, digest, f"Validate {what} with Truss"),
        **implicitly(),
    )
    if result.exit_code:
        raise TrussCliFailed(
            f"Truss failed to validate {what}: {result.last_line}. To skip this step, set "
            f'`[truss-lint].validate_with_truss = "off"`.'
        )
    return ValidatedConfigs(
        tuple(
            tuple(
                ConfigError(tuple(str(step) for step in entry["key"]), entry["message"])
                for entry in errors
            )
            for errors in json.loads(result.stdout)
        )
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *launch.rules()]
