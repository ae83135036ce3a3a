"""The target for training and its fields. The help texts are the reference documentation."""

from __future__ import annotations

from typing import Any

from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    AsyncFieldMixin,
    Dependencies,
    StringField,
    Target,
)
from pants.util.strutil import help_text

from pants_truss.core.paths import join, normalize_inside
from pants_truss.pants_api import SecondaryOwnerMixin
from pants_truss.target_types.truss import TrussOutputPathField


class TrussTrainingEntryPointField(StringField, AsyncFieldMixin, SecondaryOwnerMixin):
    alias = "entry_point"
    required = True
    value: str

    @property
    def filespec(self) -> Any:
        """The file, so that `pants run` of the file runs this target, and `pants run` of a folder
        prefers the truss in it."""
        file = normalize_inside(self.value) if self.value.endswith(".py") else None
        return {"includes": [join(self.address.spec_path, file)] if file else []}

    help = help_text(
        """
        What training runs: the path of a file, relative to the BUILD file, or a function, as
        `module:function`. The file may lie in the truss or beside it. Outside the truss, a
        `python_source` target must own it.

            truss_training(name="train", entry_point="train.py")
            truss_training(name="train", entry_point="training.fit:main")

        A file runs as a script, with `--out FOLDER` and the arguments that follow `--` on the
        command line. A function is called with those of `out`, `arguments`, `config` and `data_dir`
        that it has parameters for.
        """
    )


class TrussTrainingTrussField(StringField):
    alias = "truss"
    help = help_text(
        """
        The `truss` to train. By default the one in the same BUILD file.

            truss_training(name="train", truss="src/trusses/spam", entry_point="train.py")
        """
    )


class TrussTrainingDependenciesField(Dependencies):
    help = help_text(
        """
        Code, files and requirements that training needs and the truss does not.

        Modules that the training code imports are dependencies already. Requirements listed here
        are installed with those of the truss:

            truss_training(
                name="train",
                entry_point="train.py",
                dependencies=[":messages", "3rdparty:requirements#pandas"],
            )
        """
    )


class TrussTrainingOutputPathField(TrussOutputPathField):
    help = help_text(
        """
        The path of the self-contained training folder that `pants package` writes, below `dist/`.
        By default the path of the BUILD file with dots for slashes, followed by the target name:
        `src/trusses/spam:train` becomes `dist/src.trusses.spam/train`.

            truss_training(name="train", entry_point="train.py", output_path="training/spam")

        The path may contain `${spec_path_normalized}`, `${target_name_normalized}` and
        `${file_suffix}`, as for other targets of Pants 2.24 and later.

        Two targets must not have the same or nested paths.
        """
    )


class TrussTrainingTarget(Target):
    alias = "truss_training"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        TrussTrainingEntryPointField,
        TrussTrainingTrussField,
        TrussTrainingDependenciesField,
        TrussTrainingOutputPathField,
    )
    help = help_text(
        """
        Code that trains the model of a truss with the same modules as the model's server: the
        truss's bundled packages, its `external_package_dirs` and what its code imports, in the same
        order.

            # src/trusses/spam/BUILD
            truss()
            truss_training(name="train", entry_point="train.py")

        `pants run src/trusses/spam:train -- --out=src/trusses/spam/data` runs the training on this
        machine; the server then loads the files written there. `pants package
        src/trusses/spam:train` makes a self-contained folder, a workspace for `truss train push`.
        """
    )
