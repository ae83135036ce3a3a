"""The target for images and its fields. The help texts are the reference documentation."""

from __future__ import annotations

from enum import Enum
from typing import Any, Iterable, Iterator, Optional, Tuple

from pants.backend.docker.target_types import (
    DockerBuildOptionFieldMixin,
    DockerImageRegistriesField,
    DockerImageTarget,
)
from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    BoolField,
    Dependencies,
    DictStringToStringField,
    InvalidFieldException,
    StringField,
    StringSequenceField,
    Target,
)
from pants.util.strutil import help_text

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.layout_outputs import layout_outputs
from pants_truss.core.oci.platforms import DEFAULT_PLATFORM, parse_platform
from pants_truss.pants_api import SecondaryOwnerMixin
from pants_truss.pants_api.environments import EnvironmentField
from pants_truss.pants_api.output_path_field import TemplateOutputPathField

DOCKER_INFO = "docker-info.json"


class ImageBuilder(Enum):
    DOCKER = "docker"
    OCI = "oci"
    CONTEXT = "context"


class TrussImageTrussField(StringField, AsyncFieldMixin, SecondaryOwnerMixin):
    alias = "truss"
    required = True
    value: str

    @property
    def filespec(self) -> Any:
        """Matches no file, but makes `pants run` of a folder prefer the truss in it."""
        return {"includes": []}

    help = help_text(
        """
        The `truss` that the image serves. Pants gathers it first.

            truss_image(name="image", truss=":sentiment")
        """
    )


class TrussImageDependenciesField(Dependencies):
    help = help_text(
        """
        Other targets listed here only affect change detection; they are not added to the image. The
        truss is a dependency already.
        """
    )


class TrussImageBuilderField(StringField):
    alias = "builder"
    default = ImageBuilder.DOCKER.value
    valid_choices = ImageBuilder
    value: str
    help = help_text(
        """
        The tool that makes the image.

        `docker`, the default: `docker build`, with the Dockerfile that Truss itself writes, which
        Baseten uses too. Registries, tags, `[docker]` options and `docker-info.json` work as for a
        `docker_image`.

        `oci`: an OCI image layout in `dist/`, without a daemon and without root, reproducible bit
        for bit, in layers that trusses share.

        `context`: only the folder that `docker build` would get, for another builder of
        Dockerfiles.

            truss_image(name="image", truss=":sentiment", builder="oci")
        """
    )


class TrussImagePinRequirementsField(BoolField):
    alias = "pin_requirements"
    default = False
    help = help_text(
        """
        Makes the builders `docker` and `context` install exactly the versions that the builder
        `oci` installs: `constraints.txt` in the context names all of them.

        Off by default: as at Baseten, each build then installs the versions that the package index
        has that day.

            truss_image(truss=":sentiment", pin_requirements=True)
        """
    )


class TrussImageBaseField(StringField):
    alias = "base"
    help = help_text(
        """
        The base image, for the builder `oci`: a reference pinned to a digest, which `skopeo`
        fetches, or the path of a folder of the repository, relative to its root, that holds an OCI
        layout. By default `base_image.image` of the config, or else Truss's base image for this
        Python. See also `[truss-images].bases`.

            truss_image(truss=":sentiment", builder="oci", base="images/truss-3.11")

        The base must have the Python version of the truss. Its layers are used unchanged.
        """
    )


class TrussImagePlatformsField(StringSequenceField):
    alias = "platforms"
    default = (DEFAULT_PLATFORM,)
    value: Tuple[str, ...]
    help = help_text(
        f"""
        The platforms of the image, for the builder `oci`: `linux/amd64`, `linux/arm64`, or both. By
        default `{DEFAULT_PLATFORM}`, on every machine. With several platforms, the layout has an
        index with one image for each.

            truss_image(truss=":sentiment", builder="oci", platforms=["linux/amd64", "linux/arm64"])

        For a platform other than this machine's, requirements are installed only from wheels.
        """
    )

    @classmethod
    def compute_value(
        cls, raw_value: Optional[Iterable[str]], address: Address
    ) -> Optional[Tuple[str, ...]]:
        value = super().compute_value(raw_value, address)
        try:
            parsed = [parse_platform(platform) for platform in value or ()]
        except TrussError as e:
            raise InvalidFieldException(
                f"The '{cls.alias}' field in target {address} must hold platforms, but {e}"
            ) from None
        if not parsed or len(set(parsed)) != len(parsed):
            raise InvalidFieldException(
                f"The '{cls.alias}' field in target {address} must name at least one platform, and "
                f"none twice, but was {list(value or ())!r}. For example: "
                f'`{cls.alias}=["{DEFAULT_PLATFORM}"]`.'
            )
        return value


class TrussImageDockerArchiveField(BoolField):
    alias = "docker_archive"
    default = False
    help = help_text(
        """
        Makes the builder `oci` also write the image as one file with the suffix `.tar`, beside its
        layout, for `docker load` and `podman load`. Off by default.

            truss_image(truss=":sentiment", builder="oci", docker_archive=True)
        """
    )


class TrussImageAnnotationsField(DictStringToStringField):
    alias = "annotations"
    help = help_text(
        """
        Annotations of the image, for the builder `oci`. By default only the digest of the gathered
        truss, which is always present.

            truss_image(
                truss=":sentiment",
                builder="oci",
                annotations={"org.opencontainers.image.vendor": "Example"},
            )
        """
    )


class TrussImageOutputPathField(TemplateOutputPathField):
    help = help_text(
        """
        The path of the result below `dist/`: the layout, the context, or `docker-info.json`. By
        default the path of the BUILD file with dots for slashes, followed by the target name.

            truss_image(truss=":sentiment", builder="oci", output_path="images/sentiment")

        The path may contain `${spec_path_normalized}`, `${target_name_normalized}` and
        `${file_suffix}`, as for other targets of Pants 2.24 and later.
        """
    )

    def outputs(self, target: Target) -> Tuple[str, ...]:
        builder = ImageBuilder(target[TrussImageBuilderField].value)
        if builder is not ImageBuilder.OCI:
            ending = DOCKER_INFO if builder is ImageBuilder.DOCKER else None
            return (self.value_or_default(file_ending=ending),)
        return layout_outputs(
            self.value_or_default(file_ending=None),
            [parse_platform(text) for text in target[TrussImagePlatformsField].value],
            archives=bool(target[TrussImageDockerArchiveField].value),
        )


class TrussImageBuildNetworkField(DockerBuildOptionFieldMixin, StringField):
    alias = "build_network"
    help = help_text(
        """
        The network for the builder `docker`: `docker build --network`. By default Docker's own.

            truss_image(truss=":sentiment", build_network="host")
        """
    )
    docker_build_option = "--network"

    def option_values(self, **_: object) -> Iterator[str]:
        if self.value:
            yield self.value


class TrussImageEnvironmentField(EnvironmentField):
    help = help_text(
        """
        The environment in which `pants package` makes the image: a name in
        `[environments-preview].names`. By default this machine. The image is the same in each
        environment if all its distributions have wheels.

            truss_image(truss=":sentiment", builder="oci", environment="linux")
        """
    )


class TrussImageRegistriesField(StringSequenceField):
    """Replaces the field of a `docker_image`. Pants' docker backend publishes each target with that
    field, and needs Docker for it; a layout does not need Docker."""

    alias = DockerImageRegistriesField.alias
    help = DockerImageRegistriesField.help

    def for_docker(self, address: Address) -> DockerImageRegistriesField:
        return DockerImageRegistriesField(self.value, address)


# By alias: fields that have no effect on a context that Truss makes, fields that are replaced, and
# fields of Pants 2.33 for builds that write something other than an image.
_NOT_FROM_DOCKER = {
    *(field.alias for field in COMMON_TARGET_FIELDS),
    *("context_root", "dependencies", "instructions", "registries", "source", "target_stage"),
    *("output_directories", "output_files", "output_path", "outputs_match_mode"),
}
# Every release of Pants adds fields, and its docker backend requires all of them.
DOCKER_FIELDS = tuple(
    field for field in DockerImageTarget.core_fields if field.alias not in _NOT_FROM_DOCKER
)
# Pants 2.17 lacks this field.
_BUILD_NETWORK = (
    ()
    if any(field.alias == TrussImageBuildNetworkField.alias for field in DOCKER_FIELDS)
    else (TrussImageBuildNetworkField,)
)

_OF_DOCKER = (
    TrussImagePinRequirementsField,
    *_BUILD_NETWORK,
    *(
        field
        for field in DOCKER_FIELDS
        if field.alias.startswith(("build_", "extra_build_", "cache_", "output"))
        or field.alias in ("secrets", "ssh", "pull", "squash")
    ),
)
_OF_OCI = (
    TrussImageBaseField,
    TrussImagePlatformsField,
    TrussImageDockerArchiveField,
    TrussImageAnnotationsField,
)


_OF_CONTEXTS = (TrussImagePinRequirementsField,)


def check_builder(target: Target) -> None:
    """Raises `InvalidFieldException` for a field that the target's builder ignores."""
    builder = ImageBuilder(target[TrussImageBuilderField].value)
    unused = {
        ImageBuilder.OCI: ((ImageBuilder.DOCKER, _OF_DOCKER),),
        ImageBuilder.DOCKER: ((ImageBuilder.OCI, _OF_OCI),),
        ImageBuilder.CONTEXT: (
            (ImageBuilder.OCI, _OF_OCI),
            (ImageBuilder.DOCKER, tuple(f for f in _OF_DOCKER if f not in _OF_CONTEXTS)),
        ),
    }
    for other, field_types in unused[builder]:
        for field_type in field_types:
            field = target.get(field_type)
            # The default of a sequence is a tuple, or None.
            if (field.value or None) != (field.default or None):
                raise InvalidFieldException(
                    f"The '{field.alias}' field in target {target.address} has no effect with "
                    f'`builder="{builder.value}"`. Remove it, or write `builder="{other.value}"`.'
                )


class TrussImageTarget(Target):
    alias = "truss_image"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        TrussImageTrussField,
        TrussImageDependenciesField,
        TrussImageBuilderField,
        TrussImagePinRequirementsField,
        TrussImageBaseField,
        TrussImagePlatformsField,
        TrussImageDockerArchiveField,
        TrussImageAnnotationsField,
        TrussImageOutputPathField,
        TrussImageRegistriesField,
        *DOCKER_FIELDS,
        *_BUILD_NETWORK,
        TrussImageEnvironmentField,
    )
    help = help_text(
        """
        An image that serves a truss.

        `pants package` gathers the truss and builds the image. `pants run` starts it on this
        machine. The page "Images" of the documentation describes its content, its layers and how it
        is reproduced.

        Fields that `docker_image` has too apply to the builder `docker`; `image_tags`,
        `repository`, `registries`, `skip_push` and `image_labels` also apply to `oci`.

            truss()

            truss_image(name="image", truss=":sentiment")
            truss_image(name="oci", truss=":sentiment", builder="oci")
        """
    )
