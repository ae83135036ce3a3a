"""Repositories with images, whose distributions are installed in name only."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from pants.backend.python.util_rules.pex import PexRequest
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent
from pants.testutil.rule_runner import RuleRunner
from pants.util.frozendict import FrozenDict

from pants_truss.dependency_inference import truss as inference
from pants_truss.gather import gather
from pants_truss.image.distributions import FlatInstall, FlatInstallRequest
from pants_truss.image.target_types import TrussImageTarget
from pants_truss.pants_api import create_digest, implicitly, rule
from pants_truss.target_types.field_sets import TrussFieldSet
from pants_truss.target_types.truss import TrussExternalPackageTarget, TrussTarget
from pants_truss.testutil.programs import BOOTSTRAP
from pants_truss.testutil.rule_runners import with_stand_ins
from pants_truss.testutil.stand_in_pex import make_environment
from pants_truss.testutil.stand_in_truss import make_context

NONE: Mapping[str, str] = FrozenDict()
OPTIONS = [
    "--truss-gather-package-collisions=warn",
    # These trusses test files; few have a model.
    "--truss-lint-disable=['config-schema', 'model-class']",
]
SERVER = ("uvicorn==0.30",)


def requirements_of(pex: PexRequest) -> Tuple[str, ...]:
    """The requirements of the server come from a lockfile."""
    found = pex.requirements
    return tuple(map(str, getattr(found, "req_strings_or_addrs", SERVER)))


def installed_files(
    requirements: Iterable[str], requires: Mapping[str, str] = NONE
) -> List[FileContent]:
    """Returns a module and metadata for each requirement, such as `a==1`."""
    files = []
    for name, _, version in (text.partition("==") for text in requirements):
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version or '9'}"]
        lines += [f"Requires-Dist: {requires[name]}"] if name in requires else []
        info = f"{name}-{version or '9'}.dist-info"
        files.append(FileContent(f"{info}/METADATA", "\n".join([*lines, "", "Text"]).encode()))
        files.append(FileContent(f"{name}.py", version.encode()))
    return files


@rule
async def install_in_name_only(request: FlatInstallRequest) -> FlatInstall:
    """The server has one distribution; a truss has those that it pins."""
    files = installed_files(requirements_of(request.wanted.pex))
    digest = await create_digest(CreateDigest(files), **implicitly())
    return FlatInstall(digest, "")


_TOOLS: Tuple[Any, ...] = (make_environment, make_context)


def new_image_runner(
    rules: Iterable[object], *queries: object, installer: Sequence[Any] = (install_in_name_only,)
) -> RuleRunner:
    """Scripts run on this Python, nothing is installed, and Truss is a small script."""
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *inference.rules(),
            *with_stand_ins((*gather.rules(), *rules), (*_TOOLS, *installer)),
            *queries,
        ],
        target_types=[TrussExternalPackageTarget, TrussImageTarget, TrussTarget],
        bootstrap_args=BOOTSTRAP,
    )


def truss_at(rule_runner: RuleRunner, folder: str, name: Optional[str] = None) -> TrussFieldSet:
    address = Address(folder, target_name=name)
    return TrussFieldSet.create(rule_runner.get_target(address))
