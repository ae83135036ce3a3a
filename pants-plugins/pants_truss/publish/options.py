"""Reads the options of a push from the fields of a truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from pants.core.goals.publish import PublishFieldSet, PublishRequest
from pants.engine.addresses import Address
from pants.engine.rules import collect_rules

from pants_truss.core import yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.push import PushOptions, check_name
from pants_truss.gather import trusses_of_run
from pants_truss.gather.trusses_of_run import TrussesOfRunRequest, find_trusses_of_run
from pants_truss.pants_api import implicitly, per_session, rule
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.config_file import (
    InvalidTruss,
    ReadTrussConfigRequest,
    TrussConfigFile,
    read_truss_config,
)
from pants_truss.subsystems.publish import TrussPublishSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.publish import (
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


class PublishTrussRequest(PublishRequest):  # type: ignore[type-arg]
    pass


@dataclass(frozen=True)
class TrussPublishFieldSet(PublishFieldSet, TrussFieldSet):  # type: ignore[type-arg]
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

    def all_remotes(self, options: TrussPublishSubsystem) -> Tuple[str, ...]:
        """Returns the remotes to push to. An empty list in the target overrides the default."""
        named = self.remotes.value
        return tuple(options.default_remotes) if named is None else named


@dataclass(frozen=True)
class PushOptionsRequest:
    field_set: TrussPublishFieldSet


@rule
async def find_push_options(request: PushOptionsRequest) -> PushOptions:
    fields = request.field_set
    if fields.promote.value and fields.deployment_environment.value:
        raise InvalidTruss.of(
            fields.address,
            f"`{fields.promote.alias}=True` means the environment `production`, but "
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
                f"a push needs a model name. Write `model_name: {fields.address.target_name}` in "
                f"{file.path}, or "
                f'`{fields.model_name.alias}="{fields.address.target_name}"` in the target.'
            )
        return check_name(name, f"`model_name` in {file.path}")
    except TrussError as e:
        raise InvalidTruss.of(fields.address, e) from None


@dataclass(frozen=True)
class PlacesOfRunRequest:
    pass


@dataclass(frozen=True)
class PlacesOfRun:
    """The places that the trusses of the run are pushed to, with `--changed-since` all trusses of
    the repository. A place holds one deployment at a time."""

    places: Tuple[Tuple[Tuple[Optional[str], ...], Address], ...]


@rule
async def find_places_of_run(_: PlacesOfRunRequest, options: TrussPublishSubsystem) -> PlacesOfRun:
    run = await find_trusses_of_run(TrussesOfRunRequest(), **implicitly())
    found = [TrussPublishFieldSet.create(target) for target in run.targets]
    pushed = [fields for fields in found if not fields.skip_push.value]
    places = []
    for fields in pushed:
        remotes = fields.all_remotes(options)
        if remotes:
            try:
                push = await find_push_options(PushOptionsRequest(fields), **implicitly())
            except InvalidTruss:
                if run.is_exact:
                    raise
                # It may be none of the run's.
                await find_session(SessionRequest(), **implicitly())
                continue
            places += [((remote, *push.place), fields.address) for remote in remotes]
    return PlacesOfRun(tuple(places))


def refuse_overlap(fields: TrussPublishFieldSet, push: PushOptions, run: PlacesOfRun) -> None:
    own = [place for place, address in run.places if address == fields.address]
    for place, address in run.places:
        if place in own and address != fields.address:
            raise InvalidTruss.of(
                fields.address,
                f"the target and {address} are both pushed to {place[0]} as model "
                f"{push.model_name}, so one would replace the other. Give one of them another "
                f"`{fields.model_name.alias}`, `{fields.deployment_environment.alias}` or "
                f'`{fields.deployment_name.alias}="{fields.address.target_name}"`.',
            )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *TrussPublishFieldSet.rules(),
        *per_session.rules(),
        *trusses_of_run.rules(),
    ]
