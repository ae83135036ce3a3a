"""Fields of a `truss` about one goal each. The help texts are the reference documentation."""

from __future__ import annotations

from typing import Iterable, Optional, Tuple

from pants.core.goals.run import RestartableField
from pants.core.goals.test import TestTimeoutField
from pants.engine.addresses import Address
from pants.engine.target import BoolField, InvalidFieldException, StringSequenceField
from pants.util.strutil import help_text

from pants_truss.core.lint.silence import why_not_silent
from pants_truss.pants_api.environments import EnvironmentField


class TrussRestartableField(RestartableField):
    default = True
    help = help_text(
        """
        Makes `pants run` restart the server, with the truss gathered again, when a file of the
        truss changes: its own files, shared code, its config or its requirements. On by default.

            truss(restartable=False)
        """
    )


class SkipTrussLintField(BoolField):
    alias = "skip_truss_lint"
    default = False
    help = help_text(
        """
        Makes `pants lint` and `pants check` skip this truss. Off by default.

        `pants package` still refuses an invalid truss. To silence a rule for all trusses, see
        `[truss-lint].disable`.

            truss(skip_truss_lint=True)
        """
    )


class TrussLintDisableField(StringSequenceField):
    alias = "truss_lint_disable"
    default = ()
    value: Tuple[str, ...]
    help = help_text(
        """
        Rules to switch off for this truss in `pants lint`, `check` and `package`. By default none.
        For all trusses, see `[truss-lint].disable`; it lists the rules.

            truss(truss_lint_disable=["deprecated"])

        A comment in the config silences rules for one line, or from the line above it:

            model_cache: []  # pants-truss: ignore[deprecated]
        """
    )

    @classmethod
    def compute_value(
        cls, raw_value: Optional[Iterable[str]], address: Address
    ) -> Optional[Tuple[str, ...]]:
        value = super().compute_value(raw_value, address)
        for rule in value or ():
            problem = why_not_silent(rule)
            if problem:
                raise InvalidFieldException(
                    f"The '{cls.alias}' field in target {address} has {rule!r}: {problem}"
                )
        return value


class SkipTrussTestField(BoolField):
    alias = "skip_truss_test"
    default = False
    help = help_text(
        """
        Makes `pants test` skip this truss: it is not loaded, and its examples are not predicted.
        Off by default. `python_tests` targets are not affected.

            truss(skip_truss_test=True)
        """
    )


class TrussTestTimeoutField(TestTimeoutField):
    help = help_text(
        """
        The number of seconds that `pants test` allows this truss to load and to predict all its
        examples. By default `[test].timeout_default`; never more than `[test].timeout_maximum`.

            truss(timeout=600)
        """
    )


class TrussEnvironmentField(EnvironmentField):
    help = help_text(
        """
        The environment in which `pants test` loads this truss and predicts its examples: a name in
        `[environments-preview].names`. It can be another machine, by `remote_environment`, or a
        container. By default this machine.

            truss(environment="gpu")

        Gathering and linting only read files, and `pants run` always serves on this machine.
        """
    )
