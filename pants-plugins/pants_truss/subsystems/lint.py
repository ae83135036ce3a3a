"""Options of linting: the `[truss-lint]` section of `pants.toml`."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from pants.option.option_types import (
    DictOption,
    EnumOption,
    IntOption,
    SkipOption,
    StrListOption,
    StrOption,
)
from pants.option.subsystem import Subsystem
from pants.util.memo import memoized_property
from pants.util.strutil import help_text, softwrap

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.finding import RULES, Policy
from pants_truss.core.paths import normalize_inside


class InvalidLintOptions(Exception):
    """The options of `[truss-lint]` are not valid."""


class TrussValidation(Enum):
    OFF = "off"
    CHECK = "check"
    PACKAGE = "package"


def _rules() -> str:
    return " ".join(f"`{r.name}`: {r.summary}" for r in RULES if r.can_be_silenced)


class TrussLintSubsystem(Subsystem):
    options_scope = "truss-lint"
    name = "truss"
    help = help_text(
        """
        Linting of trusses: finds what would break at serving time, before deployment.

        `pants lint` runs all rules on the files that the gathered truss will have. `pants check`
        and `pants package` refuse trusses with errors that must never reach a package. To skip a
        target, set `skip_truss_lint=True` on it.

            [truss-lint]
            disable = ["large-file"]
            severity = { unowned-python = "error" }
        """
    )

    skip = SkipOption("lint", "check")
    disable = StrListOption(
        default=[],
        metavar="<rule>",
        help=lambda cls: softwrap(
            f"""
            Rules to switch off in `pants lint`, `check` and `package`. By default none. Only these
            can be switched off:

            {_rules()}
            """
        ),
    )
    severity = DictOption[str](
        default={},
        help=softwrap(
            """
            Overrides the severity of rules: `error`, `warning` or `note`. By default each rule has
            its own severity. Only errors fail a run. For example: `{ large-file = "error" }`.
            """
        ),
    )
    report = StrOption(
        default=None,
        metavar="<file>",
        help=softwrap(
            """
            Also writes the findings of `pants lint` as SARIF 2.1.0, which CI systems show beside
            the code. By default no file is written. For example, `truss.sarif` writes
            `dist/lint/truss/truss.sarif`.
            """
        ),
    )
    large_file_bytes = IntOption(
        default=10_000_000,
        help=softwrap(
            """
            `large-file` reports files outside the data folder that are larger than this many
            bytes.
            """
        ),
    )
    validate_with_truss = EnumOption(
        default=TrussValidation.CHECK,
        help=softwrap(
            """
            When the Truss release of `[truss-cli]` also validates configs, after the checks that
            need no tool. `off`: never. `check`: in `pants lint` and `pants check`. `package`: also
            before packaging. Many configs are validated in one process, and again when one of them
            changes.
            """
        ),
    )

    @memoized_property
    def policy(self) -> Policy:
        try:
            return Policy.of(self.disable, self.severity)
        except TrussError as e:
            raise InvalidLintOptions(f"`[{self.options_scope}]` is not valid: {e}") from None

    @property
    def report_path(self) -> Optional[str]:
        """Relative to Pants' folder for reports. The engine crashes on a path that leaves it."""
        if not self.report:
            return None
        inside = normalize_inside(self.report)
        if not inside:
            raise InvalidLintOptions(
                f"`[{self.options_scope}].report` is {self.report!r}, but must be the name of a "
                f'file in dist/lint/truss. Write `report = "truss.sarif"`.'
            )
        return inside
