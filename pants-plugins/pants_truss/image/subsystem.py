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

        The options are about the builder `oci`; those of the builder `docker` are in `[docker]`.

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
            What to take in place of an image that trusses name as their base, by default or in
            their config: the same image pinned to a digest, or the path of a folder in the
            repository that holds it as an OCI layout. Fields of targets may name what is replaced,
            too.

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
            How the layers of an image are compressed. Everything takes `gzip`. `zstd` is smaller
            and faster, and needs containerd 1.5, Docker 23 or podman 3. With `none`, it is
            pushed as large as it is.
            """
        ),
    )
    compression_level = IntOption(
        default=None,
        help=softwrap(
            """
            From 1, the fastest, to 9 for gzip and 19 for zstd. By default 6 and 3.
            """
        ),
    )
    shared_layers = IntOption(
        default=10,
        help=softwrap(
            """
            How many layers the code that trusses share may take in an image. Each of its folders
            has a layer of its own; beyond the limit, the folders that are last by name share one.
            Most container engines allow 127 layers in all.
            """
        ),
    )
    revision = StrOption(
        default=None,
        help=softwrap(
            """
            The revision of the source, for the annotation `org.opencontainers.image.revision`. By
            default there is none: with one, an image changes with each commit, whatever that
            touches.

                pants --truss-images-revision=$(git rev-parse HEAD) package src/trusses::
            """
        ),
    )
    run_args = StrListOption(
        default=[],
        help=softwrap(
            """
            More arguments of `docker run` or `podman run` for `pants run` of a `truss_image`. What
            follows `--` twice on the command line is added for that run.

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
            Environment variables that skopeo gets: where they find credentials and
            certificates, never what these are: Pants' cache would remember it. Add `NAME`, or
            `NAME=value`.
            """
        ),
    )

    class EnvironmentAware(ExecutableSearchPathsOptionMixin, Subsystem.EnvironmentAware):
        executable_search_paths_help = softwrap(
            """
            Where to look for `skopeo`, which fetches base images, and for `docker` and `podman`,
            which run images.
            """
        )

    @property
    def level(self) -> int:
        """Raises `TrussError` for one that the compression does not have."""
        most = {Compression.GZIP: 9, Compression.ZSTD: 19, Compression.NONE: 0}[self.compression]
        level = self.compression_level
        if level is None:
            return {Compression.GZIP: 6, Compression.ZSTD: 3, Compression.NONE: 0}[self.compression]
        if most and not 1 <= level <= most:
            raise TrussError(
                f"`[truss-images].compression_level` is {level}, but {self.compression.value} has "
                f"1 to {most}."
            )
        return level
