"""`pants run` of a `truss`: the model server of its Truss release on this machine."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List

from pants.core.goals.run import RunFieldSet, RunInSandboxBehavior, RunRequest
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.examples import first_input
from pants_truss.pants_api import SecondaryOwnerMixin, create_digest, implicitly, rule
from pants_truss.pants_api.own_process import started_by
from pants_truss.script_tool import launch
from pants_truss.script_tool.launch import LaunchRequest, prepare_launch
from pants_truss.serving import local_truss
from pants_truss.serving.local_truss import (
    DescribedTruss,
    describe_truss,
    place_local_truss,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.serving import TrussServer
from pants_truss.target_types.field_sets import TrussFieldSet, part_of
from pants_truss.target_types.truss_goals import TrussRestartableField

_PACKAGE = "pants_truss.serving.scripts"
SCRIPTS = tuple(
    (_PACKAGE, name)
    for name in ("serve.py", "local_truss.py", "parent.py", "ports.py", "shell_variables.py")
)
WAIT_SCRIPT = "wait_for_edit.sh"


class _RestartableOfAnother(TrussRestartableField, SecondaryOwnerMixin):
    @property
    def filespec(self) -> Any:
        return {"includes": []}


@dataclass(frozen=True)
class TrussRunFieldSet(RunFieldSet, TrussFieldSet):
    """With several trusses in a folder, `pants run` of the folder takes the one with its name: a
    field of a secondary owner is how Pants ranks what it could run."""

    run_in_sandbox_behavior = RunInSandboxBehavior.NOT_SUPPORTED

    restartable: TrussRestartableField

    def __post_init__(self) -> None:
        if self.address.target_name != self.address.spec_path.rpartition("/")[2]:
            other = _RestartableOfAnother(self.restartable.value, self.address)
            object.__setattr__(self, "restartable", other)


async def _launch(
    field_set: TrussRunFieldSet, described: DescribedTruss, env_vars: Iterable[str]
) -> RunRequest:
    local = await place_local_truss(part_of(TrussFieldSet, field_set), **implicitly())
    launched = await prepare_launch(
        LaunchRequest(
            SCRIPTS,
            local.environment.pexes,
            local.digest,
            folder="local",
            spec_name="truss.json",
            spec=json.dumps({**_facts(field_set, described), "env_vars": [*env_vars]}),
            lists_venvs=True,
            in_workspace=True,
        ),
        **implicitly(),
    )
    return RunRequest(
        digest=launched.digest,
        args=launched.run_args,
        append_only_caches=launched.append_only_caches,
        extra_env=started_by(),
    )


async def _wait_for_edit(error: Exception) -> RunRequest:
    """A process in the server's place: if this rule failed, Pants would end, and not serve the
    truss again after the edit that repairs it."""
    script = pkgutil.get_data(_PACKAGE, WAIT_SCRIPT) or b""
    files = [FileContent(WAIT_SCRIPT, script), FileContent("message.txt", f"{error}\n".encode())]
    digest = await create_digest(CreateDigest(files), **implicitly())
    return RunRequest(
        digest=digest,
        args=("/bin/sh", f"{{chroot}}/{WAIT_SCRIPT}", "{chroot}/message.txt"),
        extra_env=started_by(),
    )


@rule(desc="Prepare a truss to be served", level=LogLevel.DEBUG)
async def serve_truss(field_set: TrussRunFieldSet, server: TrussServer) -> RunRequest:
    try:
        described = await describe_truss(part_of(TrussFieldSet, field_set), **implicitly())
        if not described.needs_image:
            return await _launch(field_set, described, server.env_vars)
    # What a half-typed file breaks: the config, the code, the list of requirements.
    except Exception as error:
        if not field_set.restartable.value:
            raise
        return await _wait_for_edit(error)
    raise InvalidTruss.of(
        field_set.address,
        f"it cannot be served without an image: `{described.needs_image}` has a server of its own. "
        f"`pants package {field_set.address}` and `truss image build` make one.",
        described.config_path,
    )


def _facts(field_set: TrussRunFieldSet, described: DescribedTruss) -> Dict[str, Any]:
    return {
        "address": field_set.address.spec,
        "restartable": field_set.restartable.value,
        "accelerator": described.accelerator,
        "example": first_input(described.examples),
        "notes": _notes(described),
    }


def _notes(described: DescribedTruss) -> List[str]:
    keys = ", ".join(f"`{key}`" for key in described.left_out)
    return [f"Only an image has what {described.config_path} says in {keys}."] if keys else []


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *launch.rules(),
        *local_truss.rules(),
        *TrussServer.rules(),
        *TrussRunFieldSet.rules(),
    ]
