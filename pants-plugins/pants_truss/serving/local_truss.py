"""Lays out a truss on this machine as in an image, with its environment, to run and test it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, Digest, MergeDigests
from pants.engine.rules import collect_rules
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core import truss_config, yaml_document
from pants_truss.core.examples import of_metadata
from pants_truss.core.local_serving import (
    accelerator,
    environment_variables,
    left_to_images,
    needs_image,
)
from pants_truss.core.paths import join
from pants_truss.core.server_layout import place_in_image
from pants_truss.core.truss_config import CONFIG_FILE, TrussConfig
from pants_truss.gather import gather
from pants_truss.gather.gather import gather_truss
from pants_truss.gather.plan import plan_truss
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
from pants_truss.requirements import requirements_file
from pants_truss.requirements.requirements_file import (
    RequirementsFileRequest,
    read_requirements_file,
)
from pants_truss.serving import environment
from pants_truss.serving.environment import (
    TrussVenvs,
    TrussVenvsRequest,
    dotted,
    find_truss_environment,
)
from pants_truss.serving.server_files import (
    FullConfigRequest,
    ServerFilesRequest,
    fill_in_config,
    get_server_files,
)
from pants_truss.sources.file_entries import entry_at
from pants_truss.sources.globs import exactly
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter
from pants_truss.target_types.truss import RequirementsMode


@dataclass(frozen=True)
class LocalTruss:
    """`digest` has the layout of `core.server_layout`, with the server and the full config.
    `sources` maps paths in `digest` to paths in the repository."""

    digest: Digest
    sources: FrozenDict[str, str]
    environment: TrussVenvs


@dataclass(frozen=True)
class DescribedTruss:
    """Properties of a truss that decide how it runs here.

    `needs_image` is the key by which the truss cannot run here, `accelerator` the GPU that it
    requests, and `left_out` are the keys of its config that have no effect here. `examples` is the
    content of the examples file, or else the example in the config, None without either;
    `names_examples` is True if the config names that file.
    """

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
async def describe_truss(truss: TrussFieldSet) -> DescribedTruss:
    planned = await plan_truss(truss, **implicitly())
    document = yaml_document.parse(planned.generated[CONFIG_FILE])
    config = truss_config.read(document)
    examples_path = join(truss.address.spec_path, config.examples_filename)
    digest = await path_globs_to_digest(exactly(examples_path), **implicitly())
    contents = await get_digest_contents(digest)
    examples = contents[0].content if contents else None
    names_examples = document.data.get("examples_filename") is not None
    if examples is None and not names_examples:
        examples = of_metadata(document.data)
        examples_path = planned.config_file.path if examples else examples_path
    return DescribedTruss(
        planned.config_file.path,
        config,
        needs_image(document.data),
        accelerator(document.data),
        left_to_images(document.data),
        examples_path,
        examples,
        names_examples,
        FrozenDict(environment_variables(document.data)),
    )


@dataclass(frozen=True)
class ListRequirementsRequest(TrussParameter):
    """`more` are addresses of requirement targets. Their requirements are listed too, if the truss
    depends on them."""

    truss: TrussFieldSet
    more: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ListedRequirements:
    """The requirements of a gathered truss, as written in `origin`. `resolve` is the resolve whose
    lockfile pins them, or None. If `is_bounded`, the constraints of the model server apply."""

    python: Tuple[int, int]
    requirements: Tuple[str, ...]
    origin: str
    resolve: Optional[str]
    is_bounded: bool = True


@rule
async def list_requirements(request: ListRequirementsRequest) -> ListedRequirements:
    truss = request.truss
    planned = await plan_truss(truss, **implicitly())
    config_path = planned.config_file.path
    # The generated config includes the pins, if there are any.
    config = truss_config.parse(planned.generated[CONFIG_FILE])
    lines = config.requirement_lines
    origin = f"`requirements` in {config_path}"
    if truss.requirements.value == RequirementsMode.LOCKFILE.value:
        modules = await find_own_modules(
            OwnModulesRequest(truss.sources, truss.resolve, truss.config), **implicitly()
        )
        return ListedRequirements(config.python, lines, origin, modules.resolve)
    lines += tuple(
        required.requirement
        for required in planned.imports.requirements
        if required.address.partition("#")[0] in request.more or required.address in request.more
    )
    if not config.requirements_file:
        return ListedRequirements(config.python, lines, origin, None)
    path = join(truss.address.spec_path, config.requirements_file)
    file = await read_requirements_file(
        RequirementsFileRequest(truss.address, config_path, path, dotted(config.python)),
        **implicitly(),
    )
    listed = (*lines, *file.lines)
    return ListedRequirements(config.python, listed, path, None, file.is_bounded)


def environment_of(
    address: Address, listed: ListedRequirements, *, server: bool
) -> TrussVenvsRequest:
    return TrussVenvsRequest(
        address,
        listed.python,
        listed.requirements,
        listed.origin,
        listed.resolve,
        server,
        listed.is_bounded,
    )


@rule(desc="Lay out a truss", level=LogLevel.DEBUG)
async def place_local_truss(truss: TrussFieldSet) -> LocalTruss:
    gathered = await gather_truss(truss, **implicitly())
    listed = await list_requirements(ListRequirementsRequest(truss), **implicitly())
    config_file = gathered.config_file
    layout = place_in_image(gathered.files, config_file.config)
    found, laid_out, server, full = await concurrently(
        find_truss_environment(environment_of(truss.address, listed, server=True), **implicitly()),
        create_digest(CreateDigest([entry_at(*item) for item in layout.items()]), **implicitly()),
        get_server_files(ServerFilesRequest(), **implicitly()),
        fill_in_config(FullConfigRequest(config_file.path, gathered.config), **implicitly()),
    )
    return LocalTruss(
        await merge_digests(MergeDigests([laid_out, server.digest, full.digest]), **implicitly()),
        FrozenDict({place: file.source or file.path for place, file in layout.items()}),
        found,
    )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *environment.rules(),
        *gather.rules(),
        *requirements_file.rules(),
    ]
