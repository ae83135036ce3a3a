"""The fields of a `truss` that describe where and how it is deployed."""

from __future__ import annotations

import re
from typing import Iterable, Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.target import (
    BoolField,
    DictStringToStringField,
    IntField,
    InvalidFieldException,
    StringField,
    StringSequenceField,
    ValidNumbers,
)
from pants.util.strutil import help_text

from pants_truss.core.errors import TrussError
from pants_truss.core.push import check_args, check_name


class _NameField(StringField):
    """A string that Truss inserts into its queries without escaping."""

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value = super().compute_value(raw_value, address)
        if value is not None:
            try:
                check_name(value, f"the '{cls.alias}' field in target {address}")
            except TrussError as e:
                text = str(e)
                raise InvalidFieldException(text[0].upper() + text[1:]) from None
        return value


class TrussRemotesField(StringSequenceField):
    alias = "remotes"
    help = help_text(
        """
        The remotes that `pants publish` pushes this truss to: names of sections in `.trussrc`. By
        default those of `[truss-publish].default_remotes`. With `[]`, the truss is not pushed.

            truss(remotes=["staging", "baseten"])
        """
    )

    @classmethod
    def compute_value(
        cls, raw_value: Optional[Iterable[str]], address: Address
    ) -> Optional[Tuple[str, ...]]:
        value = super().compute_value(raw_value, address)
        for remote in value or ():
            if not remote.strip() or remote.startswith("-"):
                raise InvalidFieldException(
                    f"The '{cls.alias}' field in target {address} must hold names of remotes, but "
                    f'has {remote!r}. For example: `{cls.alias}=["baseten"]`.'
                )
        return tuple(dict.fromkeys(value)) if value else value


class TrussModelNameField(_NameField):
    alias = "model_name"
    help = help_text(
        """
        The name of the model at the remote. By default `model_name` of the config. A push needs one
        of the two.

            truss(model_name="sentiment-v2")
        """
    )


class TrussTeamField(_NameField):
    alias = "team"
    help = help_text(
        """
        The team that owns the model. By default the team of the remote in `.trussrc`, or the only
        team.

            truss(team="search")
        """
    )


class TrussDeploymentNameField(_NameField):
    alias = "deployment_name"
    help = help_text(
        """
        The name of the deployment that a push creates: letters, digits, `.`, `-` and `_`. By
        default the remote chooses it. A remote may refuse a name that is already in use; then each
        change of the truss needs a new name.

        With different names, two targets can be deployments of one model:

            truss(name="fp16", deployment_name="fp16")
            truss(name="int8", config="int8.yaml", deployment_name="int8")
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value = super().compute_value(raw_value, address)
        if value is not None and not re.fullmatch(r"[0-9a-zA-Z_\-.]+", value):
            fixed = re.sub(r"[^0-9a-zA-Z_\-.]+", "-", value).strip("-") or "my-deployment"
            raise InvalidFieldException(
                f"The '{cls.alias}' field in target {address} must hold only letters, digits, `.`, "
                f'`-` and `_`, but was {value!r}. For example: `{cls.alias}="{fixed}"`.'
            )
        return value


class TrussDeploymentEnvironmentField(_NameField):
    alias = "deployment_environment"
    help = help_text(
        """
        The environment of the model that the deployment serves: `--environment` of `truss push`. By
        default none; for `production` use `promote`. Truss then uses the instance type of the
        environment, unless `push_args=["--no-preserve-env-instance-type"]` is set.

            truss(deployment_environment="staging")
        """
    )


class TrussPromoteField(BoolField):
    alias = "promote"
    default = False
    help = help_text(
        """
        Makes the deployment the production deployment once it is up: `--promote` of `truss push`.
        Off by default. Cannot be combined with `deployment_environment`.

            truss(promote=True)
        """
    )


class TrussWaitField(BoolField):
    alias = "wait"
    default = False
    help = help_text(
        """
        Makes `pants publish` wait until the deployment is up, and fail if it does not come up:
        `--wait` of `truss push`. Off by default. For a remote that Truss does not know, Truss polls
        `https://api.baseten.co`, without end if that does not answer; set `wait_timeout` to limit
        the wait.

            truss(wait=True, wait_timeout=1800)
        """
    )


class TrussWaitTimeoutField(IntField):
    alias = "wait_timeout"
    valid_numbers = ValidNumbers.positive_only
    help = help_text(
        """
        The maximum number of seconds to wait, with `wait=True`. By default there is no limit.

            truss(wait=True, wait_timeout=1800)
        """
    )


class TrussLabelsField(DictStringToStringField):
    alias = "labels"
    help = help_text(
        """
        Labels of the deployment: `--labels` of `truss push`. By default none.

            truss(labels={"owner": "search", "tier": "1"})
        """
    )


class TrussPushArgsField(StringSequenceField):
    alias = "push_args"
    help = help_text(
        """
        More options of `truss push`, each with its value after `=`. By default none.

            truss(push_args=["--deploy-timeout-minutes=60", "--no-cache"])
        """
    )

    @classmethod
    def compute_value(
        cls, raw_value: Optional[Iterable[str]], address: Address
    ) -> Optional[Tuple[str, ...]]:
        value = super().compute_value(raw_value, address)
        try:
            return check_args(value) if value else value
        except TrussError as e:
            raise InvalidFieldException(
                f"The '{cls.alias}' field in target {address}: {e}"
            ) from None


class SkipTrussPushField(BoolField):
    alias = "skip_push"
    default = False
    help = help_text(
        """
        Makes `pants publish` skip this truss. Off by default.

            truss(skip_push=True)
        """
    )


PUSH_FIELDS = (
    TrussRemotesField,
    TrussModelNameField,
    TrussTeamField,
    TrussDeploymentNameField,
    TrussDeploymentEnvironmentField,
    TrussPromoteField,
    TrussWaitField,
    TrussWaitTimeoutField,
    TrussLabelsField,
    TrussPushArgsField,
    SkipTrussPushField,
)
