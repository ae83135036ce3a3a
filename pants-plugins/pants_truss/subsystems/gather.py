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

    release_memory = BoolOption(
        default=True,
        advanced=True,
        help=softwrap(
            """
            Returns memory that Pants' daemon no longer uses to the operating system, before the
            folder of a truss is searched, if the daemon uses more than 1 GB. It takes milliseconds.
            Without it, the daemon keeps what its largest run needed, and each process that it
            starts takes 0.1 s longer for each GB. It has an effect with glibc only.
            """
        ),
    )
    package_collisions = EnumOption(
        default=PackageCollisions.ERROR,
        help=softwrap(
            """
            What to do when two sources of a truss hold the same path with different bytes, or when
            one has a file where another has a folder. `error` fails. `warn` lists all of them, and
            the later source wins: first the truss itself, then its `external_package_dirs` in their
            order. Truss itself silently lets the later source win.
            """
        ),
    )
    output_format = EnumOption(
        default=OutputFormat.DIRECTORY,
        help=softwrap(
            """
            The output of `pants package` for a truss without `output_format`. `directory` is a
            folder that Truss's own tools can use directly. `tar` is one file, which is reproducible
            bit for bit.

            Pants writes all packages again on each run. With hundreds of trusses most of that time
            goes into their files; one tar each takes a fraction of it.

                [truss-gather]
                output_format = "tar"
            """
        ),
    )
    keep_going = BoolOption(
        default=False,
        help=softwrap(
            """
            If true, `pants package` writes the trusses that can be packaged although others cannot,
            then prints the errors and exits with code 1. By default, it writes nothing if one truss
            fails.

            A truss that another package needs still stops the run: a `truss_image`, or a package
            of Pants' own with the truss in its `dependencies`, cannot be made without it.

                [truss-gather]
                keep_going = true
            """
        ),
    )
    tailor = BoolOption(
        default=True,
        help=softwrap(
            """
            Makes `pants tailor` add a `truss` for each Truss `config.yaml`, a
            `truss_external_package` for each folder that a config names in `external_package_dirs`,
            and, if `[python].tailor_source_targets` is on, the Python targets of their files. On by
            default.
            """
        ),
        advanced=True,
    )
    ignore = StrListOption(
        default=list(DEFAULT_IGNORE),
        advanced=True,
        help=softwrap(
            """
            Files that never become part of a gathered truss, in `.gitignore` syntax, relative to
            the gathered truss. Virtual environments, recognised by their `pyvenv.cfg`, are left out
            too. The patterns of the truss's own `.truss_ignore` follow these.

            The default list holds only files that never belong in a truss. Truss's built-in list,
            which also drops folders named `lib` or `build`, and `*.so` files, is not used.
            """
        ),
    )
