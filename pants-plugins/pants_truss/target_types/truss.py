"""The targets and their fields. The help texts are the reference documentation."""

from __future__ import annotations

from enum import Enum
from typing import Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    BoolField,
    Dependencies,
    InvalidFieldException,
    MultipleSourcesField,
    StringField,
    Target,
)
from pants.util.strutil import help_text

from pants_truss.core.manifest import FILE_SUFFIX as MANIFEST_SUFFIX
from pants_truss.core.output_path import TAR_SUFFIX
from pants_truss.core.paths import normalize_inside
from pants_truss.pants_api.output_path_field import TemplateOutputPathField
from pants_truss.subsystems.gather import OutputFormat, TrussGatherSubsystem
from pants_truss.target_types.publish import PUSH_FIELDS
from pants_truss.target_types.truss_goals import (
    SkipTrussLintField,
    SkipTrussTestField,
    TrussEnvironmentField,
    TrussLintDisableField,
    TrussRestartableField,
    TrussTestTimeoutField,
)


class TrussConfigField(StringField, AsyncFieldMixin):
    alias = "config"
    default = "config.yaml"
    value: str
    help = help_text(
        """
        The Truss config of this truss, relative to the BUILD file.

        In the gathered truss the config is always named `config.yaml`, the only name that all of
        Truss's tools find. Use a second target for a second config in the same folder:

            truss(name="sentiment")
            truss(name="sentiment-prod", config="prod.yaml")
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[str], address: Address) -> Optional[str]:
        value = super().compute_value(raw_value, address)
        normal = normalize_inside(value or "")
        if not normal:
            name = (value or "").rpartition("/")[2]
            example = cls.default if name in ("", ".", "..") else name
            raise InvalidFieldException(
                f"The '{cls.alias}' field in target {address} must be the path of a file in the "
                f"truss, relative to the BUILD file, but was {value!r}. For example: "
                f'`{cls.alias}="{example}"`.'
            )
        return normal


class TrussSourcesField(MultipleSourcesField):
    default = ("**/*",)
    uses_source_roots = False
    help = help_text(
        """
        The files of the truss itself, as globs relative to the BUILD file. By default all files
        below it. `!glob` leaves files out. BUILD files never become part of a truss, and neither do
        files that `[truss-gather].ignore` or the truss's own `.truss_ignore` match.

            truss(sources=["**/*", "!notebooks/**"])

        Pants sees neither hidden folders nor files that Git ignores: see `[GLOBAL].pants_ignore`.
        The plugin reports a file that these globs match and Pants ignores.
        """
    )


class TrussDependenciesField(Dependencies):
    help = help_text(
        """
        Further targets that the truss depends on.

        Modules that its code imports, and folders that the config names in `external_package_dirs`,
        are dependencies already. Targets that are only listed here are bundled too: a
        `truss_external_package` after those of the config, and code whose imports Pants cannot see,
        with everything that this code imports:

            truss(dependencies=["src/shared/plugins"])

        A target without files or requirements, such as `shell_sources`, and a package, such as
        `pex_binary`, is an error.
        """
    )


class TrussBundleImportsField(BoolField):
    alias = "bundle_imports"
    default = True
    help = help_text(
        """
        Bundles the first-party modules that the code of this truss imports, and the modules that
        these import, at `<bundled_packages_dir>/<path under their source root>`.

        On by default, for the code that an image has: the model, the bundled packages, the data
        and the external packages. Scripts and tests beside them bring nothing. If off, a truss
        gets only its own files, its external packages, and the targets that `dependencies` names:

            truss(bundle_imports=False)

        `python_source` targets must own the files, or Pants does not see the imports. `pants
        package` warns about files without an owner:

            python_sources(name="sources", sources=["**/*.py"])
        """
    )


class RequirementsMode(Enum):
    CONFIG = "config"
    LOCKFILE = "lockfile"


class TrussRequirementsField(StringField):
    alias = "requirements"
    default = RequirementsMode.CONFIG.value
    valid_choices = RequirementsMode
    value: str
    help = help_text(
        """
        The source of the `requirements` in the config of the gathered truss.

        `config`, the default: they stay as the config lists them. A distribution that the code
        imports and the config lacks is a warning.

        `lockfile`: they become everything that the truss needs, pinned with `==`: the distributions
        that its code imports, those that its config lists, and their own requirements, as locked
        by the lockfile of its resolve, for the `python_version` of the config on Linux x86-64.

            truss(requirements="lockfile")
        """
    )


class TrussResolveField(StringField):
    alias = "resolve"
    help = help_text(
        """
        The resolve from `[python].resolves` that the truss's requirements come from.

        By default the resolve of the `python_source` targets that own the truss's files. If they
        are parametrized over several resolves, `[python].default_resolve` is used if it is one of
        them; otherwise set this field:

            truss(resolve="gpu")
        """
    )


class TrussOutputPathField(TemplateOutputPathField):
    help = help_text(
        """
        The path of the gathered truss, a directory below `dist/`. By default the path of the BUILD
        file with dots for slashes, followed by the target name: `src/trusses/sentiment:sentiment`
        becomes `dist/src.trusses.sentiment/sentiment`.

            truss(output_path="trusses/sentiment")

        The path may contain `${spec_path_normalized}`, `${target_name_normalized}` and
        `${file_suffix}`, as for other targets of Pants 2.24 and later.

        Two targets must not have the same or nested paths.
        """
    )

    def outputs(self, target: Target) -> Tuple[str, ...]:
        # A directory today may be a tar tomorrow, by an option.
        path = self.value_or_default(file_ending=None)
        return (path, path + TAR_SUFFIX, path + MANIFEST_SUFFIX)


class TrussOutputFormatField(StringField):
    alias = "output_format"
    valid_choices = OutputFormat
    help = help_text(
        """
        The output of `pants package`: a `directory`, or one `tar` with the files of the gathered
        truss at its root. By default it is `[truss-gather].output_format`, a directory.

        A tar has the suffix `.tar`, also after an `output_path`, and is the same on every machine,
        bit for bit. Everything else, such as images and publishing, works the same for both.

            truss(output_format="tar")

        `mkdir sentiment && tar -xf sentiment.tar -C sentiment` extracts the directory.
        """
    )

    def is_tar(self, options: TrussGatherSubsystem) -> bool:
        return OutputFormat(self.value or options.output_format) is OutputFormat.TAR


class TrussTarget(Target):
    alias = "truss"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        TrussConfigField,
        TrussSourcesField,
        TrussDependenciesField,
        TrussBundleImportsField,
        TrussRequirementsField,
        TrussResolveField,
        TrussOutputPathField,
        TrussOutputFormatField,
        TrussRestartableField,
        SkipTrussLintField,
        TrussLintDisableField,
        SkipTrussTestField,
        TrussTestTimeoutField,
        TrussEnvironmentField,
        *PUSH_FIELDS,
    )
    help = help_text(
        """
        A model server packaged with Truss: a folder with `config.yaml`, `model/model.py` and,
        optionally, bundled packages in `packages/`.

        `pants package` *gathers* it: the result in `dist/` is a self-contained truss, which every
        Truss tool can use without this plugin. The contents of each folder that the config names in
        `external_package_dirs` are placed in `bundled_packages_dir`, and that list becomes empty;
        nothing else in the config changes. Each such folder must be a `truss_external_package`.
        First-party modules that the code imports from elsewhere in the repository are placed there
        too, file by file, without a line in any config.

            # src/trusses/sentiment/BUILD, next to config.yaml
            truss()
        """
    )


class TrussExternalPackageSourcesField(MultipleSourcesField):
    default = ("**/*",)
    uses_source_roots = False
    help = help_text(
        """
        The files that trusses get from this folder, as globs relative to the BUILD file. By default
        all files below it. `!glob` leaves files out. BUILD files never become part of a truss.

            truss_external_package(sources=["**/*", "!**/*_test.py"])
        """
    )


class TrussExternalPackageDependenciesField(Dependencies):
    help = help_text(
        """
        Further targets that this shared code needs. A `truss_external_package` listed here is
        bundled into every truss that uses this one.

            truss_external_package(dependencies=["src/shared/textkit"])
        """
    )


class TrussExternalPackageTarget(Target):
    alias = "truss_external_package"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        TrussExternalPackageSourcesField,
        TrussExternalPackageDependenciesField,
    )
    help = help_text(
        """
        A folder of code that several trusses share, usually outside all of them.

        A truss uses it by naming the folder in `external_package_dirs` of its `config.yaml`; BUILD
        files need not repeat that. As in Truss, the *contents* of the folder become part of the
        truss's bundled packages: with the target in `src/shared`, the file
        `src/shared/textkit/clean.py` is imported as `textkit.clean`.

            # src/shared/BUILD
            truss_external_package(name="shared")

            # src/trusses/sentiment/config.yaml
            external_package_dirs:
              - ../../shared
        """
    )
