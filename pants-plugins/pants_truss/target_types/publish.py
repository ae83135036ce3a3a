"""The fields of a `truss` that say where and how it is deployed."""

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
    """A string that Truss writes into its queries as it is."""

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
        default those of `[truss-publish].default_remotes`. With `[]` it goes nowhere.

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
                    f"The '{cls.alias}' field in target {address} must have names of remotes, but "
                    f'has {remote!r}. For example `{cls.alias}=["baseten"]`.'
                )
        return tuple(dict.fromkeys(value)) if value else value


class TrussModelNameField(_NameField):
    alias = "model_name"
    help = help_text(
        """
        The name of the model at the remote. By default `model_name` of the config; one of them must
        be there for a push.

            truss(model_name="sentiment-v2")
        """
    )


class TrussTeamField(_NameField):
    alias = "team"
    help = help_text(
        """
        The team that owns the model. By default that of the remote in `.trussrc`, or the only one.

            truss(team="search")
        """
    )


class TrussDeploymentNameField(_NameField):
    alias = "deployment_name"
    help = help_text(
        """
        The name of the deployment that a push makes: letters, digits, `.`, `-` and `_`. By default
        the remote names it. A remote may refuse a name that it has already: then each change of
        the truss needs another one.

        With different names two targets can be deployments of one model:

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
                f"The '{cls.alias}' field in target {address} must have only letters, digits, `.`, "
                f'`-` and `_`, but was {value!r}. For example `{cls.alias}="{fixed}"`.'
            )
        return value


class TrussDeploymentEnvironmentField(_NameField):
    alias = "deployment_environment"
    help = help_text(
        """
        The environment of the model that the deployment is to serve: `--environment` of
        `truss push`. By default none; for `production` see `promote`. Truss then takes the instance
        type of the environment, unless `push_args=["--no-preserve-env-instance-type"]`.

            truss(deployment_environment="staging")
        """
    )


class TrussPromoteField(BoolField):
    alias = "promote"
    default = False
    help = help_text(
        """
        Whether the deployment becomes that of production once it is up: `--promote` of
        `truss push`. Not together with `deployment_environment`.

            truss(promote=True)
        """
    )


class TrussWaitField(BoolField):
    alias = "wait"
    default = False
    help = help_text(
        """
        Whether `pants publish` waits until the deployment is up, and fails if it does not come up:
        `--wait` of `truss push`. Of any remote that Truss does not know it asks
        `https://api.baseten.co`, for ever if that does not answer; `wait_timeout` ends it.

            truss(wait=True, wait_timeout=1800)
        """
    )


class TrussWaitTimeoutField(IntField):
    alias = "wait_timeout"
    valid_numbers = ValidNumbers.positive_only
    help = help_text(
        """
        How many seconds to wait at most, with `wait=True`. By default there is no end.

            truss(wait=True, wait_timeout=1800)
        """
    )


class TrussLabelsField(DictStringToStringField):
    alias = "labels"
    help = help_text(
        """
        Labels of the deployment: `--labels` of `truss push`.

            truss(labels={"owner": "search", "tier": "1"})
        """
    )


class TrussPushArgsField(StringSequenceField):
    alias = "push_args"
    help = help_text(
        """
        Further options of `truss push`, each with its value after `=`.

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
        Whether `pants publish` leaves this truss out.

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
