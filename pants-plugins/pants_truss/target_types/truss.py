"""The targets and their fields. The help texts are the reference documentation."""

from __future__ import annotations

from enum import Enum
from typing import Optional

from pants.core.goals.run import RestartableField
from pants.core.goals.test import TestTimeoutField
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

from pants_truss.core.paths import normalize_inside
from pants_truss.pants_api.environments import EnvironmentField
from pants_truss.pants_api.output_path_field import TemplateOutputPathField
from pants_truss.subsystems.gather import OutputFormat, TrussGatherSubsystem
from pants_truss.target_types.publish import PUSH_FIELDS


class TrussConfigField(StringField, AsyncFieldMixin):
    alias = "config"
    default = "config.yaml"
    value: str
    help = help_text(
        """
        The Truss config of this truss, relative to the BUILD file.

        The gathered truss always carries it as `config.yaml`, the only name under which all of
        Truss's tools find it. Use a second target for a second config of the same folder:

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
                f"truss, relative to the BUILD file, but was {value!r}. For example "
                f'`{cls.alias}="{example}"`.'
            )
        return normal


class TrussSourcesField(MultipleSourcesField):
    default = ("**/*",)
    uses_source_roots = False
    help = help_text(
        """
        The files of the truss itself, as globs relative to the BUILD file; by default all files
        below it. `!glob` leaves files out. BUILD files never become part of a truss, and neither do
        the files that `[truss-gather].ignore` names or the truss's own `.truss_ignore`.

            truss(sources=["**/*", "!notebooks/**"])

        Pants sees neither hidden folders nor what git ignores: see `[GLOBAL].pants_ignore`.
        """
    )


class TrussDependenciesField(Dependencies):
    help = help_text(
        """
        Further targets that the truss depends on.

        What its code imports, and folders that the config names in `external_package_dirs`, are
        dependencies already. What is only listed here is bundled too: a `truss_external_package`
        after those of the config, and code that is imported in a way that Pants cannot see, with
        all that this code imports:

            truss(dependencies=["src/shared/plugins"])
        """
    )


class TrussBundleImportsField(BoolField):
    alias = "bundle_imports"
    default = True
    help = help_text(
        """
        Whether the first-party modules that the code of this truss imports are bundled, with what
        these import, at `<bundled_packages_dir>/<path under their source root>`.

        It is on by default, for the code of the truss itself and for that of the external packages
        it uses. Turned off, a truss gets its own files, its external packages, and what
        `dependencies` name:

            truss(bundle_imports=False)

        `python_source` targets must own the files for Pants to see the imports. Where none does,
        `pants package` warns:

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
        Where the `requirements` in the config of the gathered truss come from.

        `config`, the default: they stay as the config lists them. A distribution that the code
        imports and the config lacks is a warning.

        `lockfile`: they become all that the truss needs, pinned with `==`: the distributions that
        its code imports, those that its config lists, and what these require in turn, as the
        lockfile of its resolve has them, for the `python_version` of the config on Linux x86-64.

            truss(requirements="lockfile")
        """
    )


class TrussResolveField(StringField):
    alias = "resolve"
    help = help_text(
        """
        The resolve from `[python].resolves` that the truss's requirements come from.

        By default that of the `python_source` targets that own the truss's files. If they are
        parametrized over several resolves, it is `[python].default_resolve` if that is one of them,
        and has to be named here otherwise:

            truss(resolve="gpu")
        """
    )


class TrussOutputPathField(TemplateOutputPathField):
    help = help_text(
        """
        Where the gathered truss goes, a directory below `dist/`. By default the path of the BUILD
        file with dots for slashes, followed by the target name: `src/trusses/sentiment:sentiment`
        becomes `dist/src.trusses.sentiment/sentiment`.

            truss(output_path="trusses/sentiment")

        The path can have `${spec_path_normalized}`, `${target_name_normalized}` and
        `${file_suffix}` in it, as for other targets of Pants 2.24 and later.

        Two targets must not have the same or nested paths.
        """
    )


class TrussOutputFormatField(StringField):
    alias = "output_format"
    valid_choices = OutputFormat
    help = help_text(
        """
        What `pants package` writes: a `directory`, or one `tar` with the files of the gathered
        truss at its root. By default it is `[truss-gather].output_format`, a directory.

        A tar has the suffix `.tar`, also after an `output_path`, and the same bytes wherever it is
        made. What else this plugin does with a truss, such as images and publishing, is the same
        for both.

            truss(output_format="tar")

        `mkdir sentiment && tar -xf sentiment.tar -C sentiment` makes the directory of it.
        """
    )

    def is_tar(self, options: TrussGatherSubsystem) -> bool:
        return OutputFormat(self.value or options.output_format) is OutputFormat.TAR


class TrussRestartableField(RestartableField):
    default = True
    help = help_text(
        """
        Whether `pants run` starts the server anew, with the truss gathered anew, when a file that
        the truss is made of changes: its own, shared code, its config or its requirements.

            truss(restartable=False)
        """
    )


class SkipTrussLintField(BoolField):
    alias = "skip_truss_lint"
    default = False
    help = help_text(
        """
        Whether `pants lint` and `pants check` leave this truss out.

        `pants package` refuses an invalid truss all the same. To silence a rule for all trusses,
        see `[truss-lint].disable`.

            truss(skip_truss_lint=True)
        """
    )


class SkipTrussTestField(BoolField):
    alias = "skip_truss_test"
    default = False
    help = help_text(
        """
        Whether `pants test` leaves this truss out: it is not loaded, and its examples are not
        predicted. Tests that `python_tests` targets own are not concerned.

            truss(skip_truss_test=True)
        """
    )


class TrussTestTimeoutField(TestTimeoutField):
    help = help_text(
        """
        How many seconds `pants test` gives this truss to load and to predict all its examples. By
        default it is `[test].timeout_default`, and never more than `[test].timeout_maximum`.

            truss(timeout=600)
        """
    )


class TrussEnvironmentField(EnvironmentField):
    help = help_text(
        """
        The environment that `pants test` loads this truss in and predicts its examples, a name in
        `[environments-preview].names`: another machine, by `remote_environment`, or a container.

            truss(environment="gpu")

        Gathering and linting only read, and `pants run` always serves on this machine.
        """
    )


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
        SkipTrussTestField,
        TrussTestTimeoutField,
        TrussEnvironmentField,
        *PUSH_FIELDS,
    )
    help = help_text(
        """
        A model server packaged with Truss: a folder with `config.yaml`, `model/model.py` and,
        perhaps, bundled packages in `packages/`.

        `pants package` *gathers* it: the result in `dist/` is a self-contained truss, which every
        Truss tool takes without this plugin. The contents of each folder that the config names in
        `external_package_dirs` are laid into `bundled_packages_dir`, and that list becomes empty;
        nothing else in the config changes. Each such folder must be a `truss_external_package`.
        First-party modules that the code imports from elsewhere in the repository are laid there
        too, file by file, with no line in any config.

            # src/trusses/sentiment/BUILD, next to config.yaml
            truss()
        """
    )


class TrussExternalPackageSourcesField(MultipleSourcesField):
    default = ("**/*",)
    uses_source_roots = False
    help = help_text(
        """
        The files that trusses get from this folder, as globs relative to the BUILD file; by default
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
        A folder of code shared by several trusses, most often outside all of them.

        A truss uses it by naming the folder in `external_package_dirs` of its `config.yaml`; BUILD
        files need not repeat that. As in Truss, the *contents* of the folder land in the
        truss's bundled packages: with the target in `src/shared`, the file
        `src/shared/textkit/clean.py` is imported as `textkit.clean`.

            # src/shared/BUILD
            truss_external_package(name="shared")

            # src/trusses/sentiment/config.yaml
            external_package_dirs:
              - ../../shared
        """
    )
