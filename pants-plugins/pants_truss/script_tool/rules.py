"""Runs scripts of the plugin on files that are too large for Pants' own process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.fs import Digest
from pants.engine.process import Process
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.terminal import visible
from pants_truss.core.tool_output import last_line
from pants_truss.pants_api import execute_process, implicitly, rule
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, prepare_launch
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.script_tool import TrussImageTool

_SPEC = "spec.json"
# A script is faster than a busy remote cache: without a delay Pants starts it during the request.
_PATIENCE_MILLIS = 2000


class ScriptFailed(Exception):
    """A script failed."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


@dataclass(frozen=True)
class ScriptRequest:
    """Runs `script`, a file of the package `package`, in a folder with `input_digest`. `spec` is
    the JSON that it reads, `imported` the scripts that it imports, as packages and names."""

    package: str
    script: str
    spec: str
    input_digest: Digest
    description: str
    output_directories: Tuple[str, ...] = ()
    output_files: Tuple[str, ...] = ()
    imported: Tuple[Tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ScriptResult:
    stdout: bytes
    digest: Digest


@rule(desc="Run a script", level=LogLevel.DEBUG)
async def run_script(
    request: ScriptRequest, tool: TrussImageTool, python_setup: PythonSetup
) -> ScriptResult:
    launched = await prepare_launch(
        LaunchRequest(
            ((request.package, request.script), *request.imported),
            (tool_pex_request(tool, python_setup),),
            request.input_digest,
            spec_name=_SPEC,
            spec=request.spec,
        ),
        **implicitly(),
    )
    result = await execute_process(
        Process(
            argv=(*launched.sandbox_args, _SPEC),
            input_digest=launched.digest,
            description=request.description,
            level=LogLevel.DEBUG,
            append_only_caches=launched.append_only_caches,
            output_directories=request.output_directories,
            output_files=request.output_files,
            remote_cache_speculation_delay_millis=_PATIENCE_MILLIS,
        ),
        **implicitly(),
    )
    if result.exit_code:
        why = last_line(result.stderr.decode("utf-8", "replace"))
        raise ScriptFailed(f"{request.description} failed: {why}")
    return ScriptResult(result.stdout, result.output_digest)


def encode(spec: object) -> str:
    return json.dumps(spec, sort_keys=True)


def rules() -> Iterable[object]:
    return [*collect_rules(), *launch.rules()]
