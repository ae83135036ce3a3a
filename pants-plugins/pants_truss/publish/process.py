"""The process that pushes one truss to one remote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List

from pants.backend.python.subsystems.setup import PythonSetup
from pants.engine.fs import AddPrefix, CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules

from pants_truss.core.push import PushOptions
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    create_digest,
    implicitly,
    merge_digests,
    rule,
)
from pants_truss.pants_api.own_process import started_by
from pants_truss.publish.credentials import TRUSSRC_FILE, RemoteAccess
from pants_truss.publish.state import DeploymentSlot
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, prepare_launch
from pants_truss.script_tool.tool_python import tool_pex_request
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.subsystems.truss_cli import TrussCli

_SCRIPTS = (
    ("pants_truss.publish.scripts", "push.py"),
    ("pants_truss.core", "terminal.py"),
    ("pants_truss.core", "tree_digest.py"),
    ("pants_truss.publish", "state.py"),
    ("pants_truss.publish.scripts", "baseten.py"),
    ("pants_truss.publish.scripts", "folder_digest.py"),
    ("pants_truss.publish.scripts", "record.py"),
    ("pants_truss.publish.scripts", "redact.py"),
    ("pants_truss.publish.scripts", "truss_cli.py"),
    ("pants_truss.serving.scripts", "parent.py"),
)
_FOLDER = "publish"
_SPEC = "spec.json"
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


@rule
async def prepare_push(
    request: PushProcessRequest,
    options: TrussPublishSubsystem,
    truss_cli: TrussCli,
    python_setup: PythonSetup,
) -> InteractiveProcess:
    truss, credentials = await concurrently(
        add_prefix(AddPrefix(request.truss, _TRUSS), **implicitly()),
        create_digest(CreateDigest(_trussrc(request.access)), **implicitly()),
    )
    launched = await prepare_launch(
        LaunchRequest(
            _SCRIPTS,
            (tool_pex_request(truss_cli, python_setup),),
            await merge_digests(MergeDigests([truss, credentials]), **implicitly()),
            folder=_FOLDER,
            spec_name=_SPEC,
            spec=json.dumps(_spec(request, options)),
        ),
        **implicitly(),
    )
    return InteractiveProcess(
        (*launched.sandbox_args, f"{_FOLDER}/{_SPEC}"),
        # Credentials do not pass through the engine, which may log its inputs.
        env={**request.access.environment, **started_by()},
        input_digest=launched.digest,
        append_only_caches=launched.append_only_caches,
    )


def _trussrc(access: RemoteAccess) -> List[FileContent]:
    return [FileContent(TRUSSRC_FILE, access.trussrc.encode())] if access.trussrc else []


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
    return [*collect_rules(), *launch.rules()]
