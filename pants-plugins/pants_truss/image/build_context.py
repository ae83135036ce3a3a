"""Makes the `docker build` context of a truss, with the image builder of its Truss release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Set, Tuple, Union

from pants.engine.addresses import Address
from pants.engine.fs import (
    AddPrefix,
    CreateDigest,
    Digest,
    FileContent,
    FileEntry,
    MergeDigests,
    RemovePrefix,
)
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core import dockerfile
from pants_truss.core.dockerfile import Instruction
from pants_truss.core.gathered import GatheredFile
from pants_truss.core.oci.platforms import DEFAULT_PLATFORM, parse_platform
from pants_truss.core.paths import ancestors, is_within, join
from pants_truss.core.requirement_files import is_beside
from pants_truss.core.server_layout import place_in_image
from pants_truss.core.truss_config import CONFIG_FILE, TrussConfig
from pants_truss.core.yaml_document import parse
from pants_truss.gather import gather
from pants_truss.gather.gather import GatheredTruss, gather_truss
from pants_truss.image import distributions, whiteouts
from pants_truss.image.distributions import InstallTrussRequest, install_truss
from pants_truss.image.whiteouts import CheckInstalledRequest, check_installed, refuse_whiteouts
from pants_truss.pants_api import (
    add_prefix,
    concurrently,
    create_digest,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    merge_digests,
    remove_prefix,
    rule,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.file_entries import entry_at
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter
from pants_truss.truss_cli import rules as truss_cli
from pants_truss.truss_cli.rules import TrussCliFailed, TrussScriptRequest, run_truss_script

_SCRIPTS = "pants_truss.image.scripts"
DOCKERFILE = "Dockerfile"
_PLACEHOLDER = "placeholder"


@dataclass(frozen=True)
class WriteContextRequest:
    """`digest` holds a truss."""

    config_path: str
    digest: Digest


@dataclass(frozen=True)
class WrittenContext:
    """`digest` holds the files that Truss adds to the truss; `dockerfile` is the text of one."""

    digest: Digest
    dockerfile: str

    @property
    def instructions(self) -> Tuple[Instruction, ...]:
        return dockerfile.parse(self.dockerfile)


@rule(desc="Write a build context with Truss", level=LogLevel.DEBUG)
async def write_context(request: WriteContextRequest) -> WrittenContext:
    result = await run_truss_script(
        TrussScriptRequest(
            ((_SCRIPTS, "make_context.py"),),
            ("truss", "context"),
            request.digest,
            "Write a build context with Truss",
            output_directories=("context",),
        ),
        **implicitly(),
    )
    if result.exit_code:
        raise TrussCliFailed(
            f"{request.config_path}: Truss cannot write a Dockerfile: {result.last_line}"
        )
    context = await remove_prefix(RemovePrefix(result.digest, "context"))
    contents = await get_digest_contents(context)
    text = next(file.content for file in contents if file.path == DOCKERFILE)
    return WrittenContext(context, text.decode())


@rule
async def describe_image(truss: TrussFieldSet) -> WrittenContext:
    """Returns the files that Truss adds to a truss to make an image."""
    gathered = await gather_truss(truss, **implicitly())
    content, config = gathered.config, gathered.config_file.config
    # The Dockerfile of a truss with live reload contains a digest of all files.
    whole = bool(parse(content).data.get("live_reload"))
    if whole:
        digest = gathered.digest
    else:
        digest = await create_digest(
            CreateDigest(_outline(content, config, gathered.files)), **implicitly()
        )
    prefixed = await add_prefix(AddPrefix(digest, "truss"), **implicitly())
    return await write_context(
        WriteContextRequest(gathered.config_file.path, prefixed), **implicitly()
    )


def _outline(
    content: bytes, config: TrussConfig, files: Iterable[GatheredFile]
) -> List[Union[FileContent, FileEntry]]:
    """Returns all inputs of the Dockerfile: the config, the requirements, and the existing folders.
    Edits of code, and gigabytes of data, then do not rerun the tool."""
    folders = {config.data_dir, config.model_module_dir, config.bundled_packages_dir} - {""}
    there = {f for f in folders for file in files if is_within(file.path, f) and file.path != f}
    outline: List[Union[FileContent, FileEntry]] = [FileContent(CONFIG_FILE, content)]
    outline += [FileContent(join(folder, _PLACEHOLDER), b"") for folder in sorted(there)]
    if config.requirements_file:
        beside = set(is_beside(config.requirements_file))
        outline += [entry_at(file.path, file) for file in files if file.path in beside]
    return outline


@dataclass(frozen=True)
class BuildContextRequest(TrussParameter):
    """`pinned` is the field `pin_requirements` of a `truss_image`."""

    truss: TrussFieldSet
    pinned: bool


@dataclass(frozen=True)
class BuildContext:
    """`digest` is a complete context for any builder of Dockerfiles."""

    digest: Digest
    written: WrittenContext
    gathered: GatheredTruss


_CONSTRAINTS = "constraints.txt"
_PLATFORM = parse_platform(DEFAULT_PLATFORM)


async def _with_pins(truss: TrussFieldSet, written: Digest) -> Digest:
    installed = await install_truss(InstallTrussRequest(truss, _PLATFORM), **implicitly())
    await concurrently(
        check_installed(CheckInstalledRequest(truss.address, part.digest), **implicitly())
        for part in (installed.server, installed.own)
        if part
    )
    pins = "".join(f"{d.name}=={d.version}\n" for d in installed.distributions)
    contents = await get_digest_contents(written)
    before = next(file.content for file in contents if file.path == _CONSTRAINTS)
    entries = await get_digest_entries(written)
    kept = [e for e in entries if isinstance(e, FileEntry) and e.path != _CONSTRAINTS]
    constraints = FileContent(_CONSTRAINTS, before + b"\n" + pins.encode())
    return await create_digest(CreateDigest([*kept, constraints]), **implicitly())


@rule(desc="Make a build context", level=LogLevel.DEBUG)
async def make_build_context(request: BuildContextRequest) -> BuildContext:
    gathered = await gather_truss(request.truss, **implicitly())
    # Docker copies such a file into an image that it builds, but whoever pulls the image gets a
    # deletion instead of the file.
    in_image = place_in_image(gathered.files, gathered.config_file.config)
    refuse_whiteouts(request.truss.address, in_image)
    described = await describe_image(request.truss, **implicitly())
    added = await get_digest_entries(described.digest)
    paths = {getattr(entry, "path", "") for entry in added}
    # The other entries are empty folders.
    added_files = {entry.path for entry in added if isinstance(entry, FileEntry)}
    _refuse_clash(request.truss.address, added_files, gathered.files)
    own = await create_digest(
        CreateDigest(
            [entry_at(file.path, file) for file in gathered.files if file.path not in paths]
        ),
        **implicitly(),
    )
    digests = [own, described.digest]
    if request.pinned:
        digests = [own, await _with_pins(request.truss, described.digest)]
    digest = await merge_digests(MergeDigests(digests), **implicitly())
    return BuildContext(digest, described, gathered)


def _refuse_clash(address: Address, added: Set[str], files: Iterable[GatheredFile]) -> None:
    """Refuses a file where Truss adds a folder, and vice versa. A file of Truss replaces a file."""
    folders = {folder for path in added for folder in ancestors(path)}
    for file in files:
        where = file.path if file.path in folders else ""
        where = where or next(iter(sorted(added.intersection(ancestors(file.path)))), "")
        if where:
            what = "folder" if where in folders else "file"
            raise InvalidTruss.of(
                address,
                f"its {file.path} ({file.source or 'generated'}) conflicts with the {what} {where} "
                f"that Truss adds to an image. Rename it.",
            )


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *gather.rules(),
        *distributions.rules(),
        *truss_cli.rules(),
        *whiteouts.rules(),
    ]
