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
    """What is wrong with `[truss-lint]`."""


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
        Linting of trusses: what would break at serving time, told before it does.

        `pants lint` runs all rules on what the gathered truss will hold; `pants check` and `pants
        package` refuse what must never reach a package. A target is left out with
        `skip_truss_lint=True`.

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
            Rules to switch off, in `pants lint`, `check` and `package` alike. These can be:

            {_rules()}
            """
        ),
    )
    severity = DictOption[str](
        default={},
        help=softwrap(
            """
            The severity of rules, where it is not to be their own: `error`, `warning` or `note`.
            Only errors fail a run. For example: `{ large-file = "error" }`.
            """
        ),
    )
    report = StrOption(
        default=None,
        metavar="<file>",
        help=softwrap(
            """
            Also write what `pants lint` found as SARIF 2.1.0, which CI systems show beside the
            code. With `truss.sarif` the file is `dist/lint/truss/truss.sarif`.
            """
        ),
    )
    large_file_bytes = IntOption(
        default=10_000_000,
        help=softwrap(
            """
            The size over which `large-file` tells of a file that is not in the data folder, in
            bytes.
            """
        ),
    )
    validate_with_truss = EnumOption(
        default=TrussValidation.CHECK,
        help=softwrap(
            """
            When to have the Truss release of `[truss-cli]` validate configs, after the checks that
            need no tool: `off` is never, `check` is in `pants lint` and `pants check`, `package` is
            before packaging too. Each config is validated once, and again when it changes.
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
        """Relative to where Pants puts reports: the engine stops hard at a path that leaves it."""
        if not self.report:
            return None
        inside = normalize_inside(self.report)
        if not inside:
            raise InvalidLintOptions(
                f"`[{self.options_scope}].report` is {self.report!r}, but must be the name of a "
                f'file in dist/lint/truss. Write `report = "truss.sarif"`.'
            )
        return inside
