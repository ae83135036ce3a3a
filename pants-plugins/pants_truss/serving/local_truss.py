"""A truss laid out on this machine as in an image, with its environment: what runs and tests it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, Digest, MergeDigests
from pants.engine.rules import collect_rules
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.local_serving import (
    accelerator,
    environment_variables,
    left_to_images,
    needs_image,
)
from pants_truss.core.paths import join
from pants_truss.core.requirement_files import is_beside, read_requirements
from pants_truss.core.server_layout import lay_out
from pants_truss.core.truss_config import CONFIG_FILE, TrussConfig
from pants_truss.gather import gather
from pants_truss.gather.gather import gather_truss
from pants_truss.gather.plan import PlanTrussRequest, plan_truss
from pants_truss.imports.python_owners import OwnModulesRequest, find_own_modules
from pants_truss.pants_api import (
    concurrently,
    create_digest,
    get_digest_contents,
    implicitly,
    merge_digests,
    path_globs_to_digest,
    rule,
)
from pants_truss.serving import environment
from pants_truss.serving.environment import (
    TrussEnvironment,
    TrussEnvironmentRequest,
    find_truss_environment,
)
from pants_truss.serving.server_files import (
    FullConfigRequest,
    ServerFilesRequest,
    fill_in_config,
    get_server_files,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.file_entries import entry_at
from pants_truss.sources.globs import all_of, exactly
from pants_truss.target_types.field_sets import OfTruss, TrussFieldSet
from pants_truss.target_types.truss import RequirementsMode


@dataclass(frozen=True)
class LocalTrussRequest(OfTruss):
    truss: TrussFieldSet


@dataclass(frozen=True)
class LocalTruss:
    """`digest` has the layout of `core.server_layout`, with the server and the full config.
    `sources` are the paths in the repository by those in `digest`."""

    digest: Digest
    sources: FrozenDict[str, str]
    environment: TrussEnvironment


@dataclass(frozen=True)
class DescribeTrussRequest(OfTruss):
    truss: TrussFieldSet


@dataclass(frozen=True)
class DescribedTruss:
    """`needs_image` is the key by which the truss cannot run here, `accelerator` the GPU that it
    asks for, and `left_out` the keys of its config that have no effect here. `examples` is the
    content of the examples file, None without one; `names_examples` tells whether the config names
    it."""

    config_path: str
    config: TrussConfig
    needs_image: Optional[str]
    accelerator: Optional[str]
    left_out: Tuple[str, ...]
    examples_path: str
    examples: Optional[bytes]
    names_examples: bool
    environment_variables: FrozenDict[str, str]


@rule
async def describe_truss(request: DescribeTrussRequest) -> DescribedTruss:
    truss = request.truss
    planned = await plan_truss(PlanTrussRequest(truss), **implicitly())
    document = yaml_document.parse(planned.generated[CONFIG_FILE])
    config = truss_config.read(document)
    examples_path = join(truss.address.spec_path, config.examples_filename)
    digest = await path_globs_to_digest(exactly(examples_path), **implicitly())
    contents = await get_digest_contents(digest)
    return DescribedTruss(
        planned.config_file.path,
        config,
        needs_image(document.data),
        accelerator(document.data),
        left_to_images(document.data),
        examples_path,
        contents[0].content if contents else None,
        document.data.get("examples_filename") is not None,
        FrozenDict(environment_variables(document.data)),
    )


@dataclass(frozen=True)
class ListRequirementsRequest(OfTruss):
    """`more` are addresses of requirements that are listed too, as far as the truss depends on
    them."""

    truss: TrussFieldSet
    more: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ListedRequirements:
    """The requirements of a gathered truss, as they are written in `origin`; `constraints` are
    those of a `uv.lock`. `resolve` is the one whose lockfile they are pinned to, if they are."""

    python: Tuple[int, int]
    requirements: Tuple[str, ...]
    constraints: Tuple[str, ...]
    origin: str
    resolve: Optional[str]


@rule
async def list_requirements(request: ListRequirementsRequest) -> ListedRequirements:
    truss = request.truss
    planned = await plan_truss(PlanTrussRequest(truss), **implicitly())
    config_path = planned.config_file.path
    # With the pins, if there are any.
    config = truss_config.parse(planned.generated[CONFIG_FILE])
    lines = config.requirement_lines
    origin = f"`requirements` in {config_path}"
    if truss.requirements.value == RequirementsMode.LOCKFILE.value:
        modules = await find_own_modules(
            OwnModulesRequest(truss.sources, truss.resolve), **implicitly()
        )
        return ListedRequirements(config.python, lines, (), origin, modules.resolve)
    lines += tuple(
        required.requirement
        for required in planned.imports.requirements
        if required.address.partition("#")[0] in request.more or required.address in request.more
    )
    if not config.requirements_file:
        return ListedRequirements(config.python, lines, (), origin, None)
    path = join(truss.address.spec_path, config.requirements_file)
    digest = await path_globs_to_digest(all_of(is_beside(path)), **implicitly())
    contents = {
        file.path: file.content.decode("utf-8", "replace")
        for file in await get_digest_contents(digest)
    }
    try:
        if path not in contents:
            raise TrussError(
                f"`requirements_file` is {config.requirements_file!r}, which does not exist."
            )
        wanted = read_requirements(path, contents)
    except TrussError as e:
        raise InvalidTruss.of(truss.address, f"{config_path}: {e}") from None
    listed = (*lines, *wanted.requirements)
    return ListedRequirements(config.python, listed, wanted.constraints, path, None)


def environment_of(
    address: Address, listed: ListedRequirements, *, server: bool
) -> TrussEnvironmentRequest:
    return TrussEnvironmentRequest(
        address,
        listed.python,
        listed.requirements,
        listed.constraints,
        listed.origin,
        listed.resolve,
        server,
    )


@rule(desc="Lay out a truss", level=LogLevel.DEBUG)
async def lay_out_truss(request: LocalTrussRequest) -> LocalTruss:
    truss = request.truss
    gathered = await gather_truss(truss, **implicitly())
    listed = await list_requirements(ListRequirementsRequest(truss), **implicitly())
    planned = await plan_truss(PlanTrussRequest(truss), **implicitly())
    content = planned.generated[CONFIG_FILE]
    layout = lay_out(gathered.files, planned.config_file.config)
    found, laid_out, server, full = await concurrently(
        find_truss_environment(environment_of(truss.address, listed, server=True), **implicitly()),
        create_digest(CreateDigest([entry_at(*item) for item in layout.items()]), **implicitly()),
        get_server_files(ServerFilesRequest(), **implicitly()),
        fill_in_config(FullConfigRequest(planned.config_file.path, content), **implicitly()),
    )
    return LocalTruss(
        await merge_digests(MergeDigests([laid_out, server.digest, full.digest]), **implicitly()),
        FrozenDict({place: file.source or file.path for place, file in layout.items()}),
        found,
    )


def rules() -> Iterable[object]:
    return [*collect_rules(), *environment.rules(), *gather.rules()]
