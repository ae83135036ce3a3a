"""Options of gathering: the `[truss-gather]` section of `pants.toml`.

The section cannot be named `[truss]`: Pants refuses a subsystem with the name of a target type.
"""

from __future__ import annotations

from enum import Enum

from pants.option.option_types import BoolOption, EnumOption, StrListOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap

from pants_truss.core.truss_ignore import DEFAULT_IGNORE


class PackageCollisions(Enum):
    ERROR = "error"
    WARN = "warn"


class TrussGatherSubsystem(Subsystem):
    options_scope = "truss-gather"
    help = help_text(
        """
        Gathering: how `pants package` makes a self-contained truss of a `truss` target.

        See `pants help truss` and `pants help truss_external_package` for the targets.
        """
    )

    package_collisions = EnumOption(
        default=PackageCollisions.ERROR,
        help=softwrap(
            """
            What to do when two sources of a truss hold the same path with different bytes, or one
            has a file where another has a folder. `error` fails. `warn` lists all of them and lets
            the later source win: first the truss itself, then its `external_package_dirs` in their
            order. Truss itself lets the later win without a word.
            """
        ),
    )
    tailor = BoolOption(
        default=True,
        help=softwrap(
            """
            Whether `pants tailor` adds a `truss` for each Truss `config.yaml`, a
            `truss_external_package` for each folder that one names in `external_package_dirs`, and,
            if `[python].tailor_source_targets` is on, the Python targets of their files.
            """
        ),
        advanced=True,
    )
    ignore = StrListOption(
        default=list(DEFAULT_IGNORE),
        advanced=True,
        help=softwrap(
            """
            What never becomes part of a gathered truss, in `.gitignore` syntax, relative to the
            gathered truss. Virtual environments are left out too, recognised by their `pyvenv.cfg`.
            The patterns of the truss's own `.truss_ignore` come after these.

            The list holds only what can never be meant. Truss's built-in list, which also drops
            folders named `lib` or `build`, and `*.so` files, is not used.
            """
        ),
    )
