"""The process that pushes one truss to one remote."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Any, Dict, Iterable

from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import VenvPexProcess, VenvPexRequest
from pants.backend.python.util_rules.pex_environment import PexEnvironment
from pants.engine.fs import AddPrefix, CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules

from pants_truss.core.push import PushOptions
from pants_truss.pants_api import (
    add_prefix,
    create_digest,
    create_venv_pex,
    implicitly,
    merge_digests,
    prepare_venv_pex_process,
    rule,
)
from pants_truss.pants_api.own_process import started_by
from pants_truss.publish.credentials import TRUSSRC_FILE, RemoteAccess
from pants_truss.publish.state import DeploymentSlot
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.subsystems.truss_cli import TrussCli

_SCRIPTS = (
    ("pants_truss.core", "terminal.py"),
    ("pants_truss.core", "tree_digest.py"),
    ("pants_truss.publish", "state.py"),
    ("pants_truss.publish.scripts", "baseten.py"),
    ("pants_truss.publish.scripts", "folder_digest.py"),
    ("pants_truss.publish.scripts", "push.py"),
    ("pants_truss.publish.scripts", "record.py"),
    ("pants_truss.publish.scripts", "redact.py"),
    ("pants_truss.publish.scripts", "truss_cli.py"),
    ("pants_truss.serving.scripts", "parent.py"),
)
_FOLDER = "publish"
_SPEC = f"{_FOLDER}/spec.json"
_TRUSS = "truss"


@dataclass(frozen=True)
class PushProcessRequest:
    """`truss` holds the gathered truss at its root. `state_file` is an absolute path. `credentials`
    names the source of the credentials. `seen` is the mark of the entry that this run has decided
    by (see `state.mark`)."""

    target: str
    identity: DeploymentSlot
    options: PushOptions
    tree_digest: str
    truss: Digest
    state_file: str
    access: RemoteAccess
    credentials: str
    seen: str


@dataclass(frozen=True)
class PreparedPush:
    process: InteractiveProcess


@rule
async def prepare_push(
    request: PushProcessRequest,
    options: TrussPublishSubsystem,
    truss_cli: TrussCli,
    python_setup: PythonSetup,
    pex_environment: PexEnvironment,
) -> PreparedPush:
    files = [
        FileContent(f"{_FOLDER}/{name}", pkgutil.get_data(package, name) or b"")
        for package, name in _SCRIPTS
    ]
    files.append(FileContent(_SPEC, json.dumps(_spec(request, options), sort_keys=True).encode()))
    if request.access.trussrc:
        files.append(FileContent(TRUSSRC_FILE, request.access.trussrc.encode()))
    tool = await create_venv_pex(
        VenvPexRequest(
            tool_pex_request(truss_cli, python_setup),
            pex_environment.in_sandbox(working_directory=None),
        ),
        **implicitly(),
    )
    scripts = await create_digest(CreateDigest(files), **implicitly())
    truss = await add_prefix(AddPrefix(request.truss, _TRUSS), **implicitly())
    process = await prepare_venv_pex_process(
        VenvPexProcess(
            tool,
            argv=(f"{_FOLDER}/push.py", _SPEC),
            input_digest=await merge_digests(MergeDigests([scripts, truss]), **implicitly()),
            # Runs the script in place of the tool's own command.
            extra_env={"PEX_INTERPRETER": "1"},
            description=f"Push {request.target}",
        ),
        **implicitly(),
    )
    return PreparedPush(
        InteractiveProcess(
            process.argv,
            # Credentials do not pass through the engine, which may log its inputs.
            env={**process.env, **request.access.environment, **started_by()},
            input_digest=process.input_digest,
            append_only_caches=process.append_only_caches,
            immutable_input_digests=process.immutable_input_digests,
        )
    )


def _spec(request: PushProcessRequest, options: TrussPublishSubsystem) -> Dict[str, Any]:
    """Returns the spec that `push.py` reads. It holds no secret."""
    return {
        "target": request.target,
        "identity": request.identity._asdict(),
        "tree_digest": request.tree_digest,
        "options": request.options.content,
        "arguments": request.options.arguments,
        "wait": request.options.wait,
        "wait_timeout": request.options.wait_timeout,
        "folder": _TRUSS,
        "state_file": request.state_file,
        "seen": request.seen,
        "credentials": request.credentials,
        "by_environment": request.access.by_environment,
        "skip_unchanged": options.skip_unchanged,
        "attempts": max(options.retries, 0) + 1,
        "backoff": max(options.retry_delay, 0),
    }


def rules() -> Iterable[object]:
    return [*collect_rules(), *pex.rules()]
