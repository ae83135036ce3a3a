"""Installs the third-party distributions of an image: those of the truss and those of its server,
each in its own folder and layer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePath
from typing import Dict, Iterable, List, Optional, Tuple

from packaging.utils import canonicalize_name
from pants.backend.python.target_types import PexLayout
from pants.backend.python.util_rules import pex, pex_venv
from pants.backend.python.util_rules.pex import CompletePlatforms, PexRequest
from pants.backend.python.util_rules.pex_venv import PexVenvLayout, PexVenvRequest
from pants.engine.addresses import Address
from pants.engine.fs import (
    CreateDigest,
    Digest,
    DigestSubset,
    FileContent,
    FileEntry,
    RemovePrefix,
    SymlinkEntry,
)
from pants.engine.platform import Platform as LocalPlatform
from pants.engine.process import ProcessExecutionFailure
from pants.engine.rules import collect_rules
from pants.util.logging import LogLevel

from pants_truss.core.environment import Distribution, disagreements
from pants_truss.core.oci.documents import Platform
from pants_truss.core.oci.pip_installed import as_pip_installs, describe_collisions
from pants_truss.core.oci.platforms import OLDEST_GLIBC, complete_platform, machine, pants_machine
from pants_truss.core.oci.sys_path_hook import is_byte_code, record_without_byte_code
from pants_truss.core.pex_errors import explain_failure, without_wheel
from pants_truss.image import colliding_wheels
from pants_truss.image.colliding_wheels import (
    CollidingVenvRequest,
    is_collision,
    make_colliding_venv,
)
from pants_truss.pants_api import (
    NEWEST_PYTHON_OF_PEX,
    concurrently,
    create_digest,
    create_pex,
    create_pex_venv,
    digest_subset,
    get_digest_contents,
    get_digest_entries,
    implicitly,
    per_session,
    remove_prefix,
    rule,
)
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.serving import local_truss
from pants_truss.serving.environment import (
    TrussVenvsRequest,
    dotted,
    plan_truss_environment,
)
from pants_truss.serving.local_truss import (
    ListRequirementsRequest,
    environment_of,
    list_requirements,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.globs import matching
from pants_truss.target_types.field_sets import TrussFieldSet, TrussParameter

_FLAT = "flat"
_METADATA = [f"*.dist-info/{name}" for name in ("INSTALLER", "RECORD", "entry_points.txt")]
# A wheel that this machine builds or chooses may need a newer glibc than bases are assumed to have.
_ANY_GLIBC = 99


@dataclass(frozen=True)
class InstallRequest:
    """Like `serving.environment.BuildEnvironmentRequest`, for a platform."""

    pex: PexRequest
    address: Address
    origin: str
    python: Tuple[int, int]
    platform: Platform


@dataclass(frozen=True)
class Installed:
    """`digest` holds a folder of distributions at its root, and their scripts in `bin`. `notes` are
    shown to the user."""

    digest: Digest
    distributions: Tuple[Distribution, ...]
    notes: Tuple[str, ...]


def _for_platform(request: PexRequest, platforms: CompletePlatforms) -> PexRequest:
    """Uses wheels only: nothing can be built for another machine."""
    return PexRequest(
        output_filename=request.output_filename,
        internal_only=False,
        layout=PexLayout.PACKED,
        requirements=request.requirements,
        complete_platforms=platforms,
        additional_args=request.additional_args,
        additional_inputs=request.additional_inputs,
    )


def parse_metadata(metadata: bytes) -> Distribution:
    fields = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    requires = tuple(str(line) for line in fields.get_all("Requires-Dist") or ())
    return Distribution(str(fields["Name"]), str(fields["Version"]), requires)


@dataclass(frozen=True)
class FlatInstallRequest:
    """If `is_local` is True, this machine's Python installs `pex`, and may compile for it."""

    wanted: InstallRequest
    is_local: bool


@dataclass(frozen=True)
class FlatInstall:
    """`digest` is None if it cannot be made, for the reason `error`, as Pex gives it. `collisions`
    describe the files that several distributions have, a sentence each."""

    digest: Optional[Digest]
    error: str
    collisions: Tuple[str, ...] = ()


async def _as_pip_installs(digest: Digest) -> Tuple[Digest, Tuple[str, ...]]:
    """Returns the same files for every release of Pex and any content of its cache, and the
    collisions in them."""
    small = await digest_subset(DigestSubset(digest, matching(_METADATA)), **implicitly())
    contents = {file.path: file.content for file in await get_digest_contents(small)}
    records = {
        path: record_without_byte_code(content)
        for path, content in contents.items()
        if path.endswith("/RECORD")
    }
    entries = [
        entry
        for entry in await get_digest_entries(digest)
        if isinstance(entry, (FileEntry, SymlinkEntry)) and not is_byte_code(entry.path)
    ]
    changed = as_pip_installs({**contents, **records}, {entry.path for entry in entries})
    written = {**records, **changed}
    files = [
        FileContent(path, content, is_executable=path.startswith("bin/"))
        for path, content in written.items()
    ]
    kept = [entry for entry in entries if entry.path not in written]
    hashes = {
        entry.path: entry.file_digest.fingerprint
        for entry in entries
        if isinstance(entry, FileEntry)
    }
    collisions = describe_collisions(records, hashes)
    return await create_digest(CreateDigest([*kept, *files]), **implicitly()), collisions


@rule(desc="Install requirements into a folder", level=LogLevel.DEBUG)
async def install_flat(request: FlatInstallRequest) -> FlatInstall:
    wanted = request.wanted
    version = "".join(map(str, wanted.python))
    glibc = _ANY_GLIBC if request.is_local else OLDEST_GLIBC
    # Pants distinguishes such files only by name.
    name = f"cp{version}-{machine(wanted.platform)}-{glibc}.json"
    content = json.dumps(complete_platform(wanted.python, wanted.platform, glibc))
    digest = await create_digest(
        CreateDigest([FileContent(name, content.encode())]), **implicitly()
    )
    platforms = CompletePlatforms([name], digest=digest)
    pex_request = wanted.pex if request.is_local else _for_platform(wanted.pex, platforms)
    try:
        built = await create_pex(pex_request, **implicitly())
    except ProcessExecutionFailure as e:
        await find_session(SessionRequest(), **implicitly())
        return FlatInstall(None, str(e))
    venv_request = PexVenvRequest(
        built,
        PexVenvLayout.FLAT,
        Path(_FLAT),
        f"Install {wanted.pex.output_filename} for {wanted.platform}",
        complete_platforms=platforms,
    )
    try:
        digest = (await create_pex_venv(venv_request, **implicitly())).digest
    except ProcessExecutionFailure as e:
        await find_session(SessionRequest(), **implicitly())
        if not is_collision(e):
            return FlatInstall(None, str(e))
        colliding = await make_colliding_venv(CollidingVenvRequest(venv_request), **implicitly())
        if colliding.error:
            return FlatInstall(None, colliding.error)
        digest = colliding.digest
    flat = await remove_prefix(RemovePrefix(digest, _FLAT))
    installed, collisions = await _as_pip_installs(flat)
    return FlatInstall(installed, "", collisions)


@rule(desc="Install requirements for an image", level=LogLevel.DEBUG)
async def install(request: InstallRequest, local: LocalPlatform) -> Installed:
    # The same wheels on every machine. Bases of any recent Linux can load them.
    flat = await install_flat(FlatInstallRequest(request, is_local=False), **implicitly())
    notes: Tuple[str, ...] = ()
    can_build = local.value == f"linux_{pants_machine(request.platform)}" and (
        NEWEST_PYTHON_OF_PEX is None or request.python <= NEWEST_PYTHON_OF_PEX
    )
    if flat.digest is None and can_build:
        unbuilt = without_wheel(flat.error) or "some"
        flat = await install_flat(FlatInstallRequest(request, is_local=True), **implicitly())
        notes = (_describe_build(request, unbuilt),)
    if flat.digest is None:
        python = dotted(request.python)
        raise InvalidTruss.of(request.address, explain_failure(flat.error, request.origin, python))
    metadata = await digest_subset(
        DigestSubset(flat.digest, matching(["*.dist-info/METADATA", "*.dist-info/WHEEL"])),
        **implicitly(),
    )
    files = {file.path: file.content for file in await get_digest_contents(metadata)}
    found = {
        PurePath(path).parent: parse_metadata(content)
        for path, content in files.items()
        if path.endswith("/METADATA")
    }
    if not notes:
        # Newer releases of Pex compile distributions without a wheel by themselves.
        compiled = ", ".join(
            f"{distribution.name} {distribution.version}"
            for folder, distribution in found.items()
            if _is_of_one_machine(files.get(str(folder / "WHEEL"), b""))
        )
        notes = (_describe_build(request, compiled),) if compiled else ()
    collisions = tuple(f"Warning: {request.origin}: {text}" for text in flat.collisions)
    return Installed(flat.digest, tuple(found.values()), (*notes, *collisions))


def _is_of_one_machine(wheel: bytes) -> bool:
    """Returns True if a wheel does not say which glibc it needs: it was built here, not for an
    index."""
    fields = HeaderParser().parsestr(wheel.decode("utf-8", "replace"))
    tags = [str(tag) for tag in fields.get_all("Tag") or ()]
    return any(tag.rpartition("-")[2].startswith("linux_") for tag in tags)


def _describe_build(request: InstallRequest, unbuilt: str) -> str:
    return (
        f"Warning: {request.origin}: {unbuilt} has no wheel for "
        f"{request.platform} with glibc 2.{OLDEST_GLIBC} or older. This machine's Python installed "
        f"all requirements and may have compiled some. The image may differ between machines and "
        f"may not run on older bases."
    )


@dataclass(frozen=True)
class InstallTrussRequest(TrussParameter):
    truss: TrussFieldSet
    platform: Platform


@dataclass(frozen=True)
class InstalledTruss:
    """`own` precedes `server` in the module path. Without `server`, `own` holds all."""

    own: Optional[Installed]
    server: Optional[Installed]

    @property
    def distributions(self) -> Tuple[Distribution, ...]:
        """The distributions that Python finds, sorted by name."""
        seen: Dict[str, Distribution] = {}
        for installed in (self.own, self.server):
            for found in installed.distributions if installed else ():
                seen.setdefault(canonicalize_name(found.name), found)
        return tuple(seen[name] for name in sorted(seen))

    @property
    def notes(self) -> Tuple[str, ...]:
        return tuple(n for part in (self.own, self.server) if part for n in part.notes)


@rule(desc="Install the requirements of a truss for an image")
async def install_truss(request: InstallTrussRequest) -> InstalledTruss:
    listed = await list_requirements(ListRequirementsRequest(request.truss), **implicitly())
    environment = environment_of(request.truss.address, listed, server=True)
    planned = await plan_truss_environment(environment, **implicitly())
    if planned.unverifiable:
        raise InvalidTruss.of(
            request.truss.address,
            f"{planned.unverifiable}. Add the hashes or remove all of them, or build the image "
            f'with `builder="docker"`.',
            listed.origin,
        )
    wanted = [pex_request for pex_request in (planned.own, planned.server) if pex_request]
    built: List[Installed] = [
        *await concurrently(
            install(_install(environment, pex_request, request.platform), **implicitly())
            for pex_request in wanted
        )
    ]
    if len(built) == 1:
        return InstalledTruss(None, built[0])
    python = dotted(environment.python)
    if not planned.joint or not disagreements(
        built[0].distributions, built[1].distributions, python
    ):
        return InstalledTruss(built[0], built[1])
    joint = await install(_install(environment, planned.joint, request.platform), **implicitly())
    return InstalledTruss(joint, None)


def _install(
    wanted: TrussVenvsRequest, pex_request: PexRequest, platform: Platform
) -> InstallRequest:
    return InstallRequest(pex_request, wanted.address, wanted.origin, wanted.python, platform)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *colliding_wheels.rules(),
        *local_truss.rules(),
        *pex.rules(),
        *pex_venv.rules(),
        *per_session.rules(),
    ]
