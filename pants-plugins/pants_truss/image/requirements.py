"""What an image has of third parties: the distributions of a truss, and those of its server, each
in a folder of its own and a layer of its own."""

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
from pants_truss.core.oci.pip_installed import as_pip_installs
from pants_truss.core.oci.platforms import OLDEST_GLIBC, complete_platform, machine, pants_machine
from pants_truss.core.oci.site_files import is_byte_code, record_without_byte_code
from pants_truss.core.pex_errors import explain_failure, without_wheel
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
    TrussEnvironmentRequest,
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
from pants_truss.target_types.field_sets import OfTruss, TrussFieldSet

_FLAT = "flat"
_METADATA = [f"*.dist-info/{name}" for name in ("INSTALLER", "RECORD", "entry_points.txt")]
# A wheel that was built, or chosen, on this machine may ask for more than a base is taken to have.
_ANY_GLIBC = 99


@dataclass(frozen=True)
class InstallRequest:
    """As `serving.environment.BuildEnvironmentRequest`, for a platform."""

    pex: PexRequest
    address: Address
    origin: str
    python: Tuple[int, int]
    platform: Platform


@dataclass(frozen=True)
class Installed:
    """`digest` has a folder of distributions at its root, and their scripts in `bin`. `notes` are
    for the user."""

    digest: Digest
    distributions: Tuple[Distribution, ...]
    notes: Tuple[str, ...]


def _for_platform(request: PexRequest, platforms: CompletePlatforms) -> PexRequest:
    """From wheels alone: nothing can be built for another machine."""
    return PexRequest(
        output_filename=request.output_filename,
        internal_only=False,
        layout=PexLayout.PACKED,
        requirements=request.requirements,
        complete_platforms=platforms,
    )


def _distribution(metadata: bytes) -> Distribution:
    fields = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))
    requires = tuple(str(line) for line in fields.get_all("Requires-Dist") or ())
    return Distribution(str(fields["Name"]), str(fields["Version"]), requires)


@dataclass(frozen=True)
class FlatRequest:
    """For `is_local`, `pex` is built by this machine's Python, and with what it compiles."""

    wanted: InstallRequest
    is_local: bool


@dataclass(frozen=True)
class Flat:
    """`digest` is None if it cannot be made, for the reason `error`, as Pex gives it."""

    digest: Optional[Digest]
    error: str


async def _as_pip_installs(digest: Digest) -> Digest:
    """The same, whatever was imported from Pex's cache before, and whichever Pex it is."""
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
    return await create_digest(CreateDigest([*kept, *files]), **implicitly())


@rule(desc="Install requirements into a folder", level=LogLevel.DEBUG)
async def install_flat(request: FlatRequest) -> Flat:
    wanted = request.wanted
    version = "".join(map(str, wanted.python))
    glibc = _ANY_GLIBC if request.is_local else OLDEST_GLIBC
    # Pants tells such files apart by their names alone.
    name = f"cp{version}-{machine(wanted.platform)}-{glibc}.json"
    content = json.dumps(complete_platform(wanted.python, wanted.platform, glibc))
    digest = await create_digest(
        CreateDigest([FileContent(name, content.encode())]), **implicitly()
    )
    platforms = CompletePlatforms([name], digest=digest)
    pex_request = wanted.pex if request.is_local else _for_platform(wanted.pex, platforms)
    try:
        built = await create_pex(pex_request, **implicitly())
        venv = await create_pex_venv(
            PexVenvRequest(
                built,
                PexVenvLayout.FLAT,
                Path(_FLAT),
                f"Install {wanted.pex.output_filename} for {wanted.platform}",
                complete_platforms=platforms,
            ),
            **implicitly(),
        )
    except ProcessExecutionFailure as e:
        await find_session(SessionRequest(), **implicitly())
        return Flat(None, str(e))
    flat = await remove_prefix(RemovePrefix(venv.digest, _FLAT))
    return Flat(await _as_pip_installs(flat), "")


@rule(desc="Install requirements for an image", level=LogLevel.DEBUG)
async def install(request: InstallRequest, local: LocalPlatform) -> Installed:
    # The same wheels on every machine, which a base of any recent Linux can load.
    flat = await install_flat(FlatRequest(request, is_local=False), **implicitly())
    notes: Tuple[str, ...] = ()
    can_build = local.value == f"linux_{pants_machine(request.platform)}" and (
        NEWEST_PYTHON_OF_PEX is None or request.python <= NEWEST_PYTHON_OF_PEX
    )
    if flat.digest is None and can_build:
        unbuilt = without_wheel(flat.error) or "some"
        flat = await install_flat(FlatRequest(request, is_local=True), **implicitly())
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
        PurePath(path).parent: _distribution(content)
        for path, content in files.items()
        if path.endswith("/METADATA")
    }
    if not notes:
        # Newer releases of Pex compile by themselves what has no wheel, if they can.
        compiled = ", ".join(
            f"{distribution.name} {distribution.version}"
            for folder, distribution in found.items()
            if _is_of_one_machine(files.get(str(folder / "WHEEL"), b""))
        )
        notes = (_describe_build(request, compiled),) if compiled else ()
    return Installed(flat.digest, tuple(found.values()), notes)


def _is_of_one_machine(wheel: bytes) -> bool:
    """Whether nothing says which glibc a wheel needs: it was built, and not made for an index."""
    fields = HeaderParser().parsestr(wheel.decode("utf-8", "replace"))
    tags = [str(tag) for tag in fields.get_all("Tag") or ()]
    return any(tag.rpartition("-")[2].startswith("linux_") for tag in tags)


def _describe_build(request: InstallRequest, unbuilt: str) -> str:
    return (
        f"Warning: {request.origin}: {unbuilt} has no wheel for "
        f"{request.platform} with glibc 2.{OLDEST_GLIBC} or older. This machine's Python has "
        f"installed, and perhaps compiled, all of them: on another machine the image may be "
        f"another, and it may not run on every base."
    )


@dataclass(frozen=True)
class InstallTrussRequest(OfTruss):
    truss: TrussFieldSet
    platform: Platform


@dataclass(frozen=True)
class InstalledTruss:
    """`own` is found before `server`; without `server`, `own` has it all."""

    own: Optional[Installed]
    server: Optional[Installed]

    @property
    def distributions(self) -> Tuple[Distribution, ...]:
        """Those that are found, sorted by name."""
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
    wanted = [pex_request for pex_request in (planned.own, planned.server) if pex_request]
    built: List[Installed] = [
        *await concurrently(
            install(_install(environment, pex_request, request.platform), **implicitly())
            for pex_request in wanted
        )
    ]
    if not planned.own or not planned.joint:
        return InstalledTruss(None, built[0])
    python = dotted(environment.python)
    if not disagreements(built[0].distributions, built[1].distributions, python):
        return InstalledTruss(built[0], built[1])
    joint = await install(_install(environment, planned.joint, request.platform), **implicitly())
    return InstalledTruss(joint, None)


def _install(
    wanted: TrussEnvironmentRequest, pex_request: PexRequest, platform: Platform
) -> InstallRequest:
    return InstallRequest(pex_request, wanted.address, wanted.origin, wanted.python, platform)


def rules() -> Iterable[object]:
    return [
        *collect_rules(),
        *local_truss.rules(),
        *pex.rules(),
        *pex_venv.rules(),
        *per_session.rules(),
    ]
