"""Makes `output_path` a template on all releases of Pants; only 2.24 and later expand it."""

from __future__ import annotations

from typing import Optional, Tuple

from pants.core.goals.package import OutputPathField
from pants.engine.target import Target

from pants_truss.core import output_path


class TemplateOutputPathField(OutputPathField):
    """The value is None if the target does not set it. Newer releases of Pants have the template as
    the field's default."""

    default = None

    def value_or_default(self, *, file_ending: Optional[str]) -> str:
        """Returns the normalised path below `dist/`. It may leave `dist/` by `..`."""
        address = self.address
        name = (address.generated_name or "").replace(".", "_") or address.target_name
        return output_path.expand(
            self.value,
            output_path.values(
                address.spec_path,
                name + address.parameters_repr.replace(".", "_"),
                f".{file_ending}" if file_ending else "",
            ),
        )

    def outputs(self, target: Target) -> Tuple[str, ...]:
        """Returns the paths below `dist/` that `pants package` of the target may write, the one
        that this field sets first. Each is a file or a folder."""
        return (self.value_or_default(file_ending=None),)
