"""Places scripts of the plugin next to the environments that they run in."""

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

# Packages and names of scripts.
Scripts = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class LaunchRequest:
    """Places `scripts` in `folder`, next to `digest` and the environments of `pexes`. The Python of
    the first environment runs the first script, which may import the others.

    If `spec_name` is set, `spec`, a JSON object, becomes a file of that name in `folder`. With
    `lists_venvs` it also has `venvs`: for each of `pexes` its folder and its shim, which makes the
    folder if it is gone.

    The process runs in the workspace, or in a sandbox."""

    scripts: Scripts
    pexes: Tuple[PexRequest, ...]
    digest: Digest
    folder: str = ""
    spec_name: str = ""
    spec: str = "{}"
    lists_venvs: bool = False
    in_workspace: bool = False


@dataclass(frozen=True)
class Launch:
    """`python` runs `script`. Both are paths in a folder with `digest`."""

    python: str
    script: str
    digest: Digest
    append_only_caches: FrozenDict[str, str]

    @property
    def sandbox_args(self) -> Tuple[str, ...]:
        """Starts the script in a process that starts in the folder. The `pex` script of the
        environment would start Python twice. Isolated, Python imports no file of the folder."""
        return (f"./{self.python}", "-I", self.script)

    @property
    def run_args(self) -> Tuple[str, ...]:
        """The same for a `RunRequest`, which starts elsewhere."""
        return (f"{{chroot}}/{self.python}", "-I", f"{{chroot}}/{self.script}")


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
    files = [
        FileContent(os.path.join(request.folder, name), pkgutil.get_data(package, name) or b"")
        for package, name in request.scripts
    ]
    if request.spec_name:
        spec = json.loads(request.spec)
        if request.lists_venvs:
            spec["venvs"] = [
                {"folder": venv.venv_rel_dir, "shim": os.path.normpath(venv.pex.argv0)}
                for venv in venvs
            ]
        path = os.path.join(request.folder, request.spec_name)
        files.append(FileContent(path, json.dumps(spec, sort_keys=True).encode()))
    created = await create_digest(CreateDigest(files), **implicitly())
    digest = await merge_digests(
        MergeDigests([request.digest, created, *(venv.digest for venv in venvs)]), **implicitly()
    )
    caches = {**complete.append_only_caches}
    for venv in venvs:
        caches.update(venv.append_only_caches or {})
    python = os.path.normpath(venvs[0].python.argv0)
    return Launch(python, files[0].path, digest, FrozenDict(caches))


def rules() -> Iterable[object]:
    return [*collect_rules(), *pex.rules()]
