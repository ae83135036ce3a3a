"""Options of images: the `[truss-images]` and `[truss-image-tool]` sections of `pants.toml`."""

from __future__ import annotations

from enum import Enum

from pants.core.util_rules.search_paths import ExecutableSearchPathsOptionMixin
from pants.option.option_types import DictOption, EnumOption, IntOption, StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap

from pants_truss.core.errors import TrussError


class Compression(Enum):
    GZIP = "gzip"
    ZSTD = "zstd"
    NONE = "none"


class TrussImageSubsystem(Subsystem):
    options_scope = "truss-images"
    help = help_text(
        """
        Images of trusses: see `pants help truss_image`.

        These options apply to the builder `oci`; those of the builder `docker` are in `[docker]`.

            [truss-images]
            compression = "zstd"

            [truss-images.bases]
            "baseten/truss-server-base:3.11-v0.13.0" = "images/truss-3.11"
        """
    )

    bases = DictOption[str](
        default={},
        help=softwrap(
            """
            Replacements for base images that trusses name, in their config or by default: the same
            image pinned to a digest, or the path of a folder in the repository that holds it as an
            OCI layout. They also apply to the `base` field of targets. By default there are none.

                [truss-images.bases]
                "baseten/truss-server-base:3.11-v0.13.0" = "images/truss-3.11"
                "python:3.11-slim" = "python:3.11-slim@sha256:0f3a..."
            """
        ),
    )
    compression = EnumOption(
        default=Compression.GZIP,
        help=softwrap(
            """
            The compression of image layers. Every tool supports `gzip`, the default. `zstd` is
            smaller and faster, and needs containerd 1.5, Docker 23 or podman 3. With `none`, images
            are pushed uncompressed.
            """
        ),
    )
    compression_level = IntOption(
        default=None,
        help=softwrap(
            """
            The compression level: from 1, the fastest, to 9 for gzip and 19 for zstd. By default 6
            for gzip and 3 for zstd.
            """
        ),
    )
    shared_layers = IntOption(
        default=10,
        help=softwrap(
            """
            The maximum number of layers for code that trusses share. Each of its folders has its
            own layer; beyond the limit, the folders that are last by name share one. Most container
            engines allow 127 layers in all.
            """
        ),
    )
    revision = StrOption(
        default=None,
        help=softwrap(
            """
            The revision of the source, for the annotation `org.opencontainers.image.revision`. By
            default there is none: with a revision, an image changes with each commit, even if its
            files do not.

                pants --truss-images-revision=$(git rev-parse HEAD) package src/trusses::
            """
        ),
    )
    run_args = StrListOption(
        default=[],
        help=softwrap(
            """
            More arguments of `docker run` or `podman run` for `pants run` of a `truss_image`. By
            default none. Arguments after a second `--` on the command line are added for that run.

                run_args = ["--gpus=all", "--memory=4g"]
            """
        ),
    )
    env_vars = StrListOption(
        default=[
            "DOCKER_CONFIG",
            "HOME",
            "REGISTRY_AUTH_FILE",
            "SSL_CERT_DIR",
            "SSL_CERT_FILE",
            "XDG_RUNTIME_DIR",
        ],
        advanced=True,
        help=softwrap(
            """
            Environment variables to pass to skopeo. Name the files of credentials and certificates,
            never the credentials themselves: Pants' cache would store them. Add `NAME` or
            `NAME=value`.
            """
        ),
    )

    class EnvironmentAware(ExecutableSearchPathsOptionMixin, Subsystem.EnvironmentAware):
        executable_search_paths_help = softwrap(
            """
            The search path for `skopeo`, which fetches base images, and for `docker` and `podman`,
            which run images.
            """
        )

    @property
    def level(self) -> int:
        """Raises `TrussError` for a level that the compression does not have."""
        most = {Compression.GZIP: 9, Compression.ZSTD: 19, Compression.NONE: 0}[self.compression]
        level = self.compression_level
        if level is None:
            return {Compression.GZIP: 6, Compression.ZSTD: 3, Compression.NONE: 0}[self.compression]
        if most and not 1 <= level <= most:
            raise TrussError(
                f"`[truss-images].compression_level` is {level}, but {self.compression.value} "
                f"supports 1 to {most}."
            )
        return level
