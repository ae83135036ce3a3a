"""Makes the layers of an image on top of its base: distributions, and the truss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Iterable, List, Mapping, Sequence, Tuple, Union

from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    DigestSubset,
    FileContent,
    FileEntry,
    MergeDigests,
)
from pants.engine.rules import collect_rules

from pants_truss.core.environment import Distribution
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.oci.documents import Platform
from pants_truss.core.oci.layer_plan import MODEL_LAYER, plan_layers
from pants_truss.core.oci.sys_path_hook import (
    REQUIREMENTS,
    ROOT,
    SERVER_REQUIREMENTS,
    script_for_image,
    site_files,
)
from pants_truss.core.paths import join
from pants_truss.core.server_layout import APP, PACKAGES, place_in_image
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.gather import gather
from pants_truss.gather.gather import gather_truss
from pants_truss.image import build_context, distributions, layer, whiteouts
from pants_truss.image.build_context import describe_image
from pants_truss.image.distributions import Installed, InstallTrussRequest, install_truss
from pants_truss.image.layer import MadeLayer, MakeLayerRequest, make_layer
from pants_truss.image.subsystem import TrussImageSubsystem
from pants_truss.image.whiteouts import CheckInstalledRequest, check_installed
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    create_digest,
    digest_subset,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    merge_digests,
    rule,
)
from pants_truss.serving import server_files
from pants_truss.serving.server_files import ServerFilesRequest, get_server_files
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.file_entries import entry_at
from pants_truss.sources.globs import all_of, exactly
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter


@dataclass(frozen=True)
class RequirementsLayerRequest:
    """`folder` is the folder of the distributions in the image. `prefix` is the prefix of its
    Python: scripts and data go there, as with pip."""

    comment: str
    folder: str
    prefix: str
    installed: Installed


# Scripts are a few hundred bytes; larger programs beside them stay unchanged.
_LARGEST_SCRIPT = 64 * 1024
_OF_PREFIX = ("bin/", "etc/", "share/")
# Headers, in a folder named after the Python that Pex runs on. Nothing that serves reads them.
_LEFT_OUT = "include/site/"


@rule
async def make_requirements_layer(request: RequirementsLayerRequest) -> MadeLayer:
    found = await get_digest_entries(request.installed.digest)
    entries = [
        entry
        for entry in found
        if isinstance(entry, FileEntry) and not entry.path.startswith(_LEFT_OUT)
    ]
    scripts = [
        entry.path
        for entry in entries
        if entry.path.startswith("bin/")
        and entry.file_digest.serialized_bytes_length <= _LARGEST_SCRIPT
    ]
    small = await digest_subset(
        DigestSubset(request.installed.digest, all_of(scripts)), **implicitly()
    )
    contents = await get_digest_contents(small)
    rewritten = {file.path: script_for_image(file.content) for file in contents}
    files: List[Union[FileContent, FileEntry]] = []
    paths = {entry.path for entry in entries}
    for entry in entries:
        for folder in _places(entry.path, paths, request):
            path = join(folder, entry.path)
            if entry.path in rewritten:
                files.append(FileContent(path, rewritten[entry.path], is_executable=True))
            else:
                files.append(FileEntry(path, entry.file_digest, is_executable=entry.is_executable))
    tree = await create_digest(CreateDigest(files), **implicitly())
    return await make_layer(MakeLayerRequest(request.comment, tree, (ROOT,)), **implicitly())


def _places(path: str, paths: Collection[str], request: RequirementsLayerRequest) -> Sequence[str]:
    """Pex places a package called `share` among the data of all distributions. Such a package is
    placed twice, so that Python finds it and the data stays complete."""
    top = next((top for top in _OF_PREFIX if path.startswith(top)), None)
    if top is None:
        return (request.folder,)
    is_package = f"{top}__init__.py" in paths
    return (request.prefix, request.folder) if is_package else (request.prefix,)


@dataclass(frozen=True)
class TrussLayers:
    """All layers except those of requirements, lowest first."""

    layers: Tuple[MadeLayer, ...]


@rule
async def make_truss_layers(truss: TrussFieldSet, options: TrussImageSubsystem) -> TrussLayers:
    if options.shared_layers < 1:
        raise InvalidTruss(
            f"`[truss-images].shared_layers` is {options.shared_layers}, but must be at least 1. "
            f"Write `shared_layers = 1`."
        )
    gathered = await gather_truss(truss, **implicitly())
    described = await describe_image(truss, **implicitly())
    server = await get_server_files(ServerFilesRequest(), **implicitly())
    config = await digest_subset(
        DigestSubset(described.digest, exactly(CONFIG_FILE)), **implicitly()
    )
    in_app = await add_prefix(AddPrefix(config, APP), **implicitly())
    layout = place_in_image(gathered.files, gathered.config_file.config)
    plan = plan_layers(layout, options.shared_layers)
    trees = await concurrently(
        create_digest(
            CreateDigest([entry_at(*item) for item in planned_layer.files.items()]), **implicitly()
        )
        for planned_layer in plan
    )
    with_config = await merge_digests(MergeDigests([trees[-1], in_app]), **implicitly())
    requests = [MakeLayerRequest("the Truss server", server.digest, (APP,))]
    for planned_layer, tree in zip(plan, trees):
        is_model = planned_layer.name == MODEL_LAYER
        requests.append(
            MakeLayerRequest(
                planned_layer.name,
                with_config if is_model else tree,
                (APP, PACKAGES) if is_model else _roots(planned_layer.files),
            )
        )
    return TrussLayers(
        await concurrently(make_layer(wanted, **implicitly()) for wanted in requests)
    )


def _roots(files: Mapping[str, GatheredFile]) -> Tuple[str, ...]:
    return tuple(sorted({path.partition("/")[0] for path in files}))


@dataclass(frozen=True)
class ImageLayersRequest(TrussParameter):
    """`site` and `prefix` are those of the base: see `image.base_image.BaseImage`."""

    truss: TrussFieldSet
    platform: Platform
    site: str
    prefix: str


@dataclass(frozen=True)
class ImageLayers:
    """All layers on top of the base, lowest first. `notes` are shown to the user."""

    layers: Tuple[MadeLayer, ...]
    distributions: Tuple[Distribution, ...]
    notes: Tuple[str, ...]


@rule
async def make_image_layers(request: ImageLayersRequest) -> ImageLayers:
    truss = request.truss
    installed = await install_truss(InstallTrussRequest(truss, request.platform), **implicitly())
    await concurrently(
        check_installed(
            CheckInstalledRequest(truss.address, part.digest, _LEFT_OUT), **implicitly()
        )
        for part in (installed.server, installed.own)
        if part
    )
    of_requirements = await concurrently(
        make_requirements_layer(
            RequirementsLayerRequest(comment, folder, request.prefix, part), **implicitly()
        )
        for comment, folder, part in (
            ("requirements of the Truss server", SERVER_REQUIREMENTS, installed.server),
            ("requirements", REQUIREMENTS, installed.own),
        )
        if part
    )
    site = await create_digest(
        CreateDigest([FileContent(p, c) for p, c in site_files(request.site).items()]),
        **implicitly(),
    )
    of_python = await make_layer(MakeLayerRequest("Python's .pth file", site, ()), **implicitly())
    of_truss = await make_truss_layers(truss, **implicitly())
    return ImageLayers(
        (*of_requirements, of_python, *of_truss.layers), installed.distributions, installed.notes
    )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *build_context.rules(),
        *gather.rules(),
        *layer.rules(),
        *distributions.rules(),
        *server_files.rules(),
        *whiteouts.rules(),
    ]
