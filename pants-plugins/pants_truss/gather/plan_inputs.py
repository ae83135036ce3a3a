"""What planning a truss reads before it looks at imports."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Optional, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.paths import join
from pants_truss.core.present_files import PresentFiles, present_tree
from pants_truss.core.source_tree import EXPLICIT, EXTERNAL_PACKAGE
from pants_truss.core.truss_ignore import FILE_NAME as IGNORE_FILE
from pants_truss.core.truss_ignore import ignore_lines
from pants_truss.gather.plan_findings import (
    refuse_bad_paths,
    refuse_narrow_sources,
)
from pants_truss.pants_api import (
    concurrently,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
)
from pants_truss.sources.config_file import (
    InvalidTruss,
    ReadTrussConfigRequest,
    TrussConfigFile,
    read_truss_config,
)
from pants_truss.sources.external_package_files import (
    PlacedPackage,
    PlacePackageRequest,
    place_external_package,
)
from pants_truss.sources.external_packages import (
    ExternalPackage,
    ExternalPackagesRequest,
    find_external_packages,
)
from pants_truss.sources.globs import exactly
from pants_truss.sources.target_files import (
    ReadSourceTree,
    ReadSourceTreeRequest,
    read_source_tree,
)
from pants_truss.subsystems.gather import TrussGatherSubsystem
from pants_truss.target_types.field_sets import TrussFieldSet


@dataclass(frozen=True)
class PlanInputs:
    """What planning reads before it looks at imports. `lines` are the ignore patterns of the
    gathered truss, `ignore` the same compiled."""

    config_file: TrussConfigFile
    own: ReadSourceTree
    external: Tuple[ExternalPackage, ...]
    packages: Tuple[PlacedPackage, ...]
    lines: Tuple[str, ...]
    ignore: IgnorePatterns

    @property
    def trees(self) -> Tuple[ReadSourceTree, ...]:
        return (self.own, *(package.read for package in self.packages))

    @property
    def present(self) -> PresentFiles:
        config = self.config_file.config
        return PresentFiles(
            present_tree(self.own.tree, "", self.ignore),
            tuple(package.present for package in self.packages),
            config.bundled_packages_dir,
            posixpath.dirname(config.model_file),
        )


async def read_inputs(truss: TrussFieldSet, options: TrussGatherSubsystem) -> PlanInputs:
    config_file = await read_truss_config(ReadTrussConfigRequest(truss.config), **implicitly())
    found = await find_external_packages(
        ExternalPackagesRequest(truss.config, truss.dependencies), **implicitly()
    )
    own = await read_source_tree(ReadSourceTreeRequest(truss.sources), **implicitly())
    digest = await path_globs_to_digest(
        exactly(join(truss.address.spec_path, IGNORE_FILE)), **implicitly()
    )
    contents = await get_digest_contents(digest)
    user_ignore = contents[0].content if contents else None
    lines = _ignore_lines(truss, options, user_ignore)
    packages = await concurrently(
        place_external_package(
            PlacePackageRequest(
                package.sources,
                EXTERNAL_PACKAGE if package.is_configured else EXPLICIT,
                config_file.config.bundled_packages_dir,
                lines,
            ),
            **implicitly(),
        )
        for package in found.packages
    )
    inputs = PlanInputs(
        config_file,
        own,
        found.packages,
        tuple(packages),
        lines,
        IgnorePatterns(lines),
    )
    refuse_bad_paths(truss.address, config_file, inputs.trees, inputs.ignore)
    refuse_narrow_sources(truss.address, truss.config.value, own.tree, user_ignore)
    return inputs


def _ignore_lines(
    truss: TrussFieldSet, options: TrussGatherSubsystem, user_file: Optional[bytes]
) -> Tuple[str, ...]:
    try:
        return tuple(ignore_lines(options.ignore, user_file))
    except TrussError as e:
        raise InvalidTruss.of(truss.address, e) from None
