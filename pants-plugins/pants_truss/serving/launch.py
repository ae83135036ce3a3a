"""Starts a script of this plugin in the environment of a truss."""

from __future__ import annotations

import json
import os
import pkgutil
from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.backend.python.util_rules import pex
from pants.backend.python.util_rules.pex import PexRequest, VenvPexRequest
from pants.backend.python.util_rules.pex_environment import PexEnvironment
from pants.engine.fs import CreateDigest, Digest, FileContent, MergeDigests
from pants.engine.rules import collect_rules
from pants.util.frozendict import FrozenDict

from pants_truss.pants_api import (
    concurrently,
    create_digest,
    create_venv_pex,
    implicitly,
    merge_digests,
    rule,
)

_SCRIPTS = "pants_truss.serving.scripts"
_FOLDER = "local"
# The scripts that each script imports.
_WITH = {
    "serve.py": ("local_truss.py", "parent.py", "ports.py", "shell_variables.py"),
    "run_examples.py": ("local_truss.py", "asgi_client.py", "model_problems.py"),
}


@dataclass(frozen=True)
class LaunchRequest:
    """`script` is one of `serving/scripts`; `facts` is the JSON that it reads. `digest` holds the
    truss. The process runs in the workspace, or in a sandbox."""

    script: str
    facts: str
    digest: Digest
    pexes: Tuple[PexRequest, ...]
    in_workspace: bool


@dataclass(frozen=True)
class Launch:
    """Run `python` with `script`, both in a folder with `digest`. The `pex` script of the
    environment would start Python twice."""

    python: str
    script: str
    digest: Digest
    append_only_caches: FrozenDict[str, str]


@rule
async def prepare_launch(request: LaunchRequest, pex_environment: PexEnvironment) -> Launch:
    complete = (
        pex_environment.in_workspace()
        if request.in_workspace
        else pex_environment.in_sandbox(working_directory=None)
    )
    venvs = await concurrently(
        create_venv_pex(VenvPexRequest(pex_request, complete), **implicitly())
        for pex_request in request.pexes
    )
    facts = json.loads(request.facts)
    facts["venvs"] = [
        {"folder": venv.venv_rel_dir, "shim": os.path.normpath(venv.pex.argv0)} for venv in venvs
    ]
    scripts = [
        FileContent(f"{_FOLDER}/{name}", pkgutil.get_data(_SCRIPTS, name) or b"")
        for name in (request.script, *_WITH[request.script])
    ]
    scripts.append(FileContent(f"{_FOLDER}/truss.json", json.dumps(facts).encode()))
    created = await create_digest(CreateDigest(scripts), **implicitly())
    digest = await merge_digests(
        MergeDigests([request.digest, created, *(venv.digest for venv in venvs)]), **implicitly()
    )
    caches = {**complete.append_only_caches}
    for venv in venvs:
        caches.update(venv.append_only_caches or {})
    python = os.path.normpath(venvs[0].python.argv0)
    return Launch(python, f"{_FOLDER}/{request.script}", digest, FrozenDict(caches))


def rules() -> Iterable[object]:
    return [*collect_rules(), *pex.rules()]
