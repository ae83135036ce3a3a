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


class OutputFormat(Enum):
    DIRECTORY = "directory"
    TAR = "tar"


class TrussGatherSubsystem(Subsystem):
    options_scope = "truss-gather"
    help = help_text(
        """
        Gathering: how `pants package` makes a self-contained truss of a `truss` target.

        See `pants help truss` and `pants help truss_external_package` for the targets.

            [truss-gather]
            output_format = "tar"
            package_collisions = "warn"
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
    output_format = EnumOption(
        default=OutputFormat.DIRECTORY,
        help=softwrap(
            """
            What `pants package` writes of a truss that has no `output_format`: a `directory`, which
            Truss's own tools take as it is, or one `tar`, which is the same for the same files.

            Pants writes all that it packages anew on each run. With hundreds of trusses most of the
            time goes into their files; one tar each takes a fraction of that.

                [truss-gather]
                output_format = "tar"
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
