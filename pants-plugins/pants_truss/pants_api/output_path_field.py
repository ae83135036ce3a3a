"""`output_path`, a template on all releases of Pants: only 2.24 and later expand it themselves."""

from __future__ import annotations

from typing import Optional

from pants.core.goals.package import OutputPathField

from pants_truss.core import output_path


class TemplateOutputPathField(OutputPathField):
    """The value is None if the target does not say: newer releases have the template as the default
    of the field."""

    default = None

    def value_or_default(self, *, file_ending: Optional[str]) -> str:
        """The path below `dist/`, normalised; it may lead out of it."""
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
