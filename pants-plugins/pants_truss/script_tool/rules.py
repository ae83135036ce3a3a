"""Runs scripts of the plugin on files that are too large for Pants' own process."""

from __future__ import annotations

import json
import os
import pkgutil
from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import VenvPexRequest
from pants.backend.python.util_rules.pex_environment import PexEnvironment
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import Process
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.terminal import visible
from pants_truss.core.tool_output import last_line
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    create_venv_pex,
    execute_process,
    implicitly,
    merge_digests,
    rule,
)
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.script_tool import TrussImageTool

_SPEC = "spec.json"
# A script is faster than a busy remote cache: without a delay Pants starts it during the request.
_PATIENCE_MILLIS = 2000


class ImageToolFailed(Exception):
    """A script failed."""

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


@dataclass(frozen=True)
class ImageScriptRequest:
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
class ImageScriptResult:
    stdout: bytes
    digest: Digest


@rule(desc="Run the image tool", level=LogLevel.DEBUG)
async def run_image_script(
    request: ImageScriptRequest,
    tool: TrussImageTool,
    python_setup: PythonSetup,
    pex_environment: PexEnvironment,
) -> ImageScriptResult:
    complete = pex_environment.in_sandbox(working_directory=None)
    venv, scripts = await concurrently(
        create_venv_pex(
            VenvPexRequest(tool_pex_request(tool, python_setup), complete), **implicitly()
        ),
        create_digest(
            CreateDigest(
                [
                    *(
                        FileContent(name, pkgutil.get_data(package, name) or b"")
                        for package, name in ((request.package, request.script), *request.imported)
                    ),
                    FileContent(_SPEC, request.spec.encode()),
                ]
            ),
            **implicitly(),
        ),
    )
    digest = await merge_digests(
        MergeDigests([request.input_digest, scripts, venv.digest]), **implicitly()
    )
    # The `pex` script of the environment would start Python twice.
    result = await execute_process(
        Process(
            argv=(f"./{os.path.normpath(venv.python.argv0)}", "-I", request.script, _SPEC),
            input_digest=digest,
            description=request.description,
            level=LogLevel.DEBUG,
            append_only_caches={
                **complete.append_only_caches,
                **(venv.append_only_caches or {}),
            },
            output_directories=request.output_directories,
            output_files=request.output_files,
            remote_cache_speculation_delay_millis=_PATIENCE_MILLIS,
        ),
        **implicitly(),
    )
    if result.exit_code:
        why = last_line(result.stderr.decode("utf-8", "replace"))
        raise ImageToolFailed(f"{request.description} failed: {why}")
    return ImageScriptResult(result.stdout, result.output_digest)


def encode(spec: object) -> str:
    return json.dumps(spec, sort_keys=True)


def rules() -> Iterable[object]:
    return [*collect_rules(), *pex.rules()]
