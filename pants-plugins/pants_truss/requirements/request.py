"""The request for the requirements of a truss, and its result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional, Tuple

from pants.engine.addresses import Address

from pants_truss.core import yaml_document
from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.lint.config_checks import check_document
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.release import default_release
from pants_truss.core.paths import join
from pants_truss.imports.import_closure import ImportedRequirement
from pants_truss.sources.config_file import InvalidTruss, TrussConfigFile
from pants_truss.target_types.truss import TrussRequirementsField


@dataclass(frozen=True)
class TrussRequirementsRequest:
    """`imported` are the requirements of the code; `resolve` is None if the code has none."""

    address: Address
    field: TrussRequirementsField
    config_file: TrussConfigFile
    resolve: Optional[str]
    imported: Tuple[ImportedRequirement, ...]

    @property
    def config_path(self) -> str:
        return self.config_file.path

    @property
    def requirements_file(self) -> Optional[str]:
        """Its path, if the config names one."""
        name = self.config_file.config.requirements_file
        return join(self.address.spec_path, name) if name else None

    @property
    def python(self) -> str:
        """A version such as `3.11`. Raises `InvalidTruss`."""
        value = self.config_file.config.python_version
        match = re.fullmatch(r"py3(9|1\d)", value)
        if not match:
            document = yaml_document.parse(self.config_file.content)
            findings = check_document(self.config_path, document, default_release())
            raise InvalidTruss.found(self.address, [f for f in findings if f.is_fatal])
        return f"3.{match.group(1)}"


@dataclass(frozen=True)
class TrussRequirements:
    """`pins` is None if the list of the config stays. `missing` are the findings about imported
    distributions that are not in `listed`, each with the modules that they provide."""

    pins: Optional[Tuple[str, ...]]
    listed: Tuple[GatheredRequirement, ...]
    findings: Tuple[Finding, ...]
    missing: Tuple[Tuple[Finding, Tuple[str, ...]], ...] = ()
