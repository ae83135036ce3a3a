"""`pants publish` of a `truss`: the Truss release's own `push`, of the gathered truss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, List, Optional, cast

from pants.base.build_environment import get_buildroot
from pants.core.goals.publish import (
    PublishFieldSet,
    PublishOutputData,
    PublishPackages,
    PublishProcesses,
    PublishRequest,
)
from pants.core.util_rules.distdir import DistDir
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core import yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.paths import normalize_inside
from pants_truss.core.push import PushOptions, check_name
from pants_truss.engine import implicitly, rule
from pants_truss.push import access, process, state
from pants_truss.push.access import RemoteAccessRequest, find_remote_access
from pants_truss.push.process import PushProcessRequest, prepare_push
from pants_truss.push.subsystem import TrussPublishSubsystem
from pants_truss.push.target_types import (
    SkipTrussPushField,
    TrussDeploymentEnvironmentField,
    TrussDeploymentNameField,
    TrussLabelsField,
    TrussModelNameField,
    TrussPromoteField,
    TrussPushArgsField,
    TrussRemotesField,
    TrussTeamField,
    TrussWaitField,
    TrussWaitTimeoutField,
)
from pants_truss.util_rules import gather, session
from pants_truss.util_rules.field_sets import part_of
from pants_truss.util_rules.gather import gather_truss
from pants_truss.util_rules.plan import GatherTrussRequest
from pants_truss.util_rules.session import SessionRequest, find_session
from pants_truss.util_rules.truss_config import (
    InvalidTruss,
    ReadTrussConfigRequest,
    TrussConfigFile,
    read_truss_config,
)


class PublishTrussRequest(PublishRequest):  # type: ignore[type-arg]
    pass


@dataclass(frozen=True)
class TrussPublishFieldSet(PublishFieldSet, GatherTrussRequest):  # type: ignore[type-arg]
    publish_request_type = PublishTrussRequest

    remotes: TrussRemotesField
    model_name: TrussModelNameField
    team: TrussTeamField
    deployment_name: TrussDeploymentNameField
    deployment_environment: TrussDeploymentEnvironmentField
    promote: TrussPromoteField
    wait: TrussWaitField
    wait_timeout: TrussWaitTimeoutField
    labels: TrussLabelsField
    push_args: TrussPushArgsField
    skip_push: SkipTrussPushField


@dataclass(frozen=True)
class PushOptionsRequest:
    field_set: TrussPublishFieldSet


@rule
async def find_push_options(request: PushOptionsRequest) -> PushOptions:
    fields = request.field_set
    if fields.promote.value and fields.deployment_environment.value:
        raise InvalidTruss.of(
            fields.address,
            f"`{fields.promote.alias}=True` means the environment `production`, but its "
            f"`{fields.deployment_environment.alias}` is {fields.deployment_environment.value!r}. "
            f"Remove one of them.",
        )
    name = fields.model_name.value
    if name is None:
        file = await read_truss_config(ReadTrussConfigRequest(fields.config), **implicitly())
        name = _name_in_config(fields, file)
    return PushOptions(
        model_name=name,
        team=fields.team.value,
        deployment_name=fields.deployment_name.value,
        environment=fields.deployment_environment.value,
        promote=fields.promote.value,
        wait=fields.wait.value,
        wait_timeout=fields.wait_timeout.value,
        labels=tuple(sorted((fields.labels.value or {}).items())),
        args=fields.push_args.value or (),
    )


def _name_in_config(fields: TrussPublishFieldSet, file: TrussConfigFile) -> str:
    name = yaml_document.parse(file.content).data.get("model_name")
    try:
        if not isinstance(name, str):
            raise TrussError(
                f"a push needs a name for the model, and there is none. Write `model_name: "
                f"{fields.address.target_name}` in {file.path}, or "
                f'`{fields.model_name.alias}="{fields.address.target_name}"` in the target.'
            )
        return check_name(name, f"`model_name` in {file.path}")
    except TrussError as e:
        raise InvalidTruss.of(fields.address, e) from None


@dataclass(frozen=True)
class _Planned:
    """One truss and one remote."""

    target: str
    identity: state.Identity
    tree_digest: str
    decision: state.Decision

    def package(self, how: str, process: Optional[InteractiveProcess] = None) -> PublishPackages:
        data = {
            "model_name": self.identity.model_name,
            "remote": self.identity.remote,
            "team": self.identity.team,
            "environment": self.identity.environment,
            "tree_digest": self.tree_digest,
        }
        return PublishPackages((self.target,), process, how, PublishOutputData(data))

    @property
    def place(self) -> str:
        return f"{self.identity} as model {self.identity.model_name}"

    def held_back(self, dry_run: bool) -> PublishPackages:
        kind, why = self.decision
        if kind == "skip" or not dry_run:
            return self.package(f"({why} at {self.identity})")
        if kind == "ask":
            why += ", and would be asked about"
        return self.package(f"(dry run: would go to {self.place}: {why})")


@rule(desc="Prepare a truss to be pushed", level=LogLevel.DEBUG)
async def publish_truss(
    request: PublishTrussRequest, options: TrussPublishSubsystem, dist_dir: DistDir
) -> PublishProcesses:
    fields = cast(TrussPublishFieldSet, request.field_set)
    remotes = fields.remotes.value or tuple(options.default_remotes)
    if fields.skip_push.value or not remotes:
        why = f"(by `{fields.skip_push.alias}`)" if fields.skip_push.value else _NO_REMOTES
        return PublishProcesses([PublishPackages((fields.address.spec,), description=why)])
    # What is in the state file is for this run only.
    await find_session(SessionRequest(), **implicitly())
    push = await find_push_options(PushOptionsRequest(fields), **implicitly())
    gathered = await gather_truss(part_of(GatherTrussRequest, fields), **implicitly())
    path = _state_path(options, dist_dir)
    planned = _plan(fields, remotes, push, gathered.tree_digest, path, options.skip_unchanged)
    if options.dry_run or all(each.decision.kind == "skip" for each in planned):
        return PublishProcesses([each.held_back(options.dry_run) for each in planned])
    access = await find_remote_access(RemoteAccessRequest(remotes), **implicitly())
    jobs: List[PublishPackages] = []
    for each in planned:
        if each.decision.kind == "skip":
            jobs.append(each.held_back(dry_run=False))
            continue
        prepared = await prepare_push(
            PushProcessRequest(
                each.target,
                each.identity,
                push,
                gathered.tree_digest,
                gathered.digest,
                path,
                access,
            ),
            **implicitly(),
        )
        # Pants says of a process that ends well that it has "published to ...".
        or_not = ", or found there" if each.decision.kind == "ask" else ""
        jobs.append(each.package(each.place + or_not, prepared.process))
    return PublishProcesses(jobs)


_NO_REMOTES = (
    '(no remote: `remotes=["baseten"]` in the target, or `[truss-publish].default_remotes`, '
    "names one)"
)


def _plan(
    fields: TrussPublishFieldSet,
    remotes: Iterable[str],
    push: PushOptions,
    tree_digest: str,
    path: str,
    skip_unchanged: bool,
) -> List[_Planned]:
    entries = state.read(path)
    content = state.Content(tree_digest, push.content)
    found = []
    for remote in remotes:
        identity = state.Identity(remote, push.team, push.model_name, push.serves)
        decision = state.decide(state.find(entries, identity), content, skip_unchanged)
        found.append(_Planned(fields.address.spec, identity, tree_digest, decision))
    return found


def _state_path(options: TrussPublishSubsystem, dist_dir: DistDir) -> str:
    path = options.state_file.format(distdir=dist_dir.relpath)
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
        *access.rules(),
        *gather.rules(),
        *process.rules(),
        *session.rules(),
        *TrussPublishFieldSet.rules(),
    ]
