"""`pants publish` of a `truss`: the Truss release's own `push`, of the gathered truss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, List, Optional, Tuple, cast

from pants.base.build_environment import get_buildroot
from pants.core.goals.publish import PublishOutputData, PublishPackages, PublishProcesses
from pants.core.util_rules.distdir import DistDir
from pants.engine.fs import Digest
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.paths import normalize_inside
from pants_truss.core.push import PushOptions
from pants_truss.core.terminal import visible_line
from pants_truss.gather import gather
from pants_truss.gather.gather import gather_truss
from pants_truss.pants_api import implicitly, per_session, rule
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.publish import credentials, options, process, state
from pants_truss.publish.credentials import RemoteAccess, RemoteAccessRequest, find_remote_access
from pants_truss.publish.options import (
    PlacesOfRunRequest,
    PublishTrussRequest,
    PushOptionsRequest,
    TrussPublishFieldSet,
    find_places_of_run,
    find_push_options,
    refuse_overlap,
)
from pants_truss.publish.process import PushProcessRequest, prepare_push
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet, part_of


class NoCredentials(Exception):
    """Before anything is pushed: it is nothing about one truss."""


@dataclass(frozen=True)
class _Planned:
    """One truss and one remote."""

    target: str
    slot: state.DeploymentSlot
    tree_digest: str
    decision: state.Decision
    seen: str

    def package(self, how: str, process: Optional[InteractiveProcess] = None) -> PublishPackages:
        data = {
            "model_name": self.slot.model_name,
            "remote": self.slot.remote,
            "team": self.slot.team,
            "environment": self.slot.environment,
            "tree_digest": self.tree_digest,
        }
        return PublishPackages((self.target,), process, visible_line(how), PublishOutputData(data))

    @property
    def place(self) -> str:
        return f"{self.slot} as model {self.slot.model_name}"

    def held_back(self, dry_run: bool) -> PublishPackages:
        kind, why = self.decision
        if kind is state.Kind.SKIP or not dry_run:
            return self.package(f"({why} at {self.slot})")
        if kind is state.Kind.ASK:
            return self.package(f"(dry run: {self.slot} would be asked about it, {why})")
        return self.package(f"(dry run: would go to {self.place}: {why})")


@dataclass(frozen=True)
class PlanPushesRequest:
    """`are_named`: by the target itself."""

    field_set: TrussPublishFieldSet
    remotes: Tuple[str, ...]
    are_named: bool


@dataclass(frozen=True)
class PlannedPushes:
    """`pushes` are one for each remote, in their order. With `access.error` none can be made."""

    options: PushOptions
    truss: Digest
    state_file: str
    access: RemoteAccess
    pushes: Tuple[_Planned, ...]


@rule
async def plan_pushes(
    request: PlanPushesRequest, publish: TrussPublishSubsystem, dist_dir: DistDir
) -> PlannedPushes:
    # The contents of the state file are valid for this run only.
    await find_session(SessionRequest(), **implicitly())
    fields = request.field_set
    push = await find_push_options(PushOptionsRequest(fields), **implicitly())
    run = await find_places_of_run(PlacesOfRunRequest(), **implicitly())
    refuse_overlap(fields, push, run)
    gathered = await gather_truss(part_of(TrussFieldSet, fields), **implicitly())
    access = await find_remote_access(
        RemoteAccessRequest(request.remotes, request.are_named), **implicitly()
    )
    path = _state_path(publish, dist_dir)
    entries = state.read(path)
    content = state.Content(gathered.tree_digest, push.content)
    pushes = []
    for remote, url in zip(request.remotes, access.urls):
        slot = state.DeploymentSlot(remote, url, *push.place)
        entry = state.find(entries, slot)
        decision = state.decide(entry, content, publish.skip_unchanged)
        digest, seen = gathered.tree_digest, state.mark(entry)
        pushes.append(_Planned(fields.address.spec, slot, digest, decision, seen))
    return PlannedPushes(push, gathered.digest, path, access, tuple(pushes))


@rule(desc="Prepare a truss to be pushed", level=LogLevel.DEBUG)
async def publish_truss(
    request: PublishTrussRequest, publish: TrussPublishSubsystem
) -> PublishProcesses:
    fields = cast(TrussPublishFieldSet, request.field_set)
    remotes = fields.all_remotes(publish)
    if fields.skip_push.value or not remotes:
        why = f"(by `{fields.skip_push.alias}`)" if fields.skip_push.value else _NO_REMOTES
        return PublishProcesses([PublishPackages((fields.address.spec,), description=why)])
    planned = await plan_pushes(
        PlanPushesRequest(fields, remotes, are_named=fields.remotes.value is not None),
        **implicitly(),
    )
    if publish.dry_run:
        return PublishProcesses([push.held_back(dry_run=True) for push in planned.pushes])
    if planned.access.error:
        raise NoCredentials(planned.access.error)
    jobs: List[PublishPackages] = []
    for push, found in zip(planned.pushes, planned.access.sources):
        if push.decision.kind is state.Kind.SKIP:
            jobs.append(push.held_back(dry_run=False))
            continue
        process = await prepare_push(
            PushProcessRequest(
                push.target,
                push.slot,
                planned.options,
                push.tree_digest,
                planned.truss,
                planned.state_file,
                planned.access,
                found,
                push.seen,
            ),
            **implicitly(),
        )
        # Pants says of a process that ends well that it has "published to ...".
        or_not = ", or found there" if push.decision.kind is state.Kind.ASK else ""
        jobs.append(push.package(push.place + or_not, process))
    return PublishProcesses(jobs)


_NO_REMOTES = (
    '(no remote: `remotes=["baseten"]` in the target, or `[truss-publish].default_remotes`, '
    "names one)"
)


def _state_path(publish: TrussPublishSubsystem, dist_dir: DistDir) -> str:
    path = publish.state_file.replace("{distdir}", str(dist_dir.relpath))
    normal = normalize_inside(path)
    if not normal:
        raise InvalidTruss(
            f"`[truss-publish].state_file` must be the path of a file in the repository, but is "
            f"{path!r}. For example `{{distdir}}/truss-publish.json`."
        )
    return str(Path(get_buildroot(), normal))


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *credentials.rules(),
        *gather.rules(),
        *options.rules(),
        *process.rules(),
        *per_session.rules(),
    ]
