"""Finds the `truss_external_package` targets that a truss uses."""

from __future__ import annotations

import difflib
import posixpath
from dataclasses import dataclass
from typing import Collection, Iterable, List, Optional, Sequence, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.addresses import Address
from pants.engine.fs import PathGlobs, Paths
from pants.engine.rules import collect_rules
from pants.engine.target import DependenciesRequest, Target
from pants.util.ordered_set import FrozenOrderedSet

from pants_truss.core import yaml_document
from pants_truss.core.errors import TrussError
from pants_truss.core.globs import escape_glob
from pants_truss.core.lint.finding import Finding
from pants_truss.core.paths import join, refuse_around, resolve_external_package_dir
from pants_truss.pants_api import (
    addresses_from_raw_specs_without_file_owners,
    concurrently,
    dependency_targets,
    explicitly_provided_dependencies,
    implicitly,
    path_globs_to_paths,
    resolve_unexpanded_targets,
    rule,
)
from pants_truss.sources.config_file import (
    InvalidTruss,
    ReadTrussConfigRequest,
    TrussConfigFile,
    read_truss_config,
)
from pants_truss.sources.folder_specs import in_folder
from pants_truss.sources.globs import matching
from pants_truss.sources.pointer_files import EmptySubmodulesRequest, find_empty_submodules
from pants_truss.sources.workspace_scan import ResolveFolderRequest, resolve_folder
from pants_truss.target_types.truss import (
    TrussConfigField,
    TrussDependenciesField,
    TrussExternalPackageDependenciesField,
    TrussExternalPackageSourcesField,
)


@dataclass(frozen=True)
class ExternalPackagesRequest:
    """The fields of a `truss` that decide which external packages it uses."""

    config: TrussConfigField
    dependencies: TrussDependenciesField


@dataclass(frozen=True)
class ConfiguredPackages:
    """The targets of `external_package_dirs`, in the order of the config, each once."""

    addresses: Tuple[Address, ...]


@dataclass(frozen=True)
class ExternalPackagesInFolderRequest:
    folder: str


@dataclass(frozen=True)
class ExternalPackagesInFolder:
    """`free_name` is empty, or a name for a new target where the folder's own is taken."""

    addresses: Tuple[Address, ...]
    free_name: str


@rule
async def find_external_packages_in_folder(
    request: ExternalPackagesInFolderRequest,
) -> ExternalPackagesInFolder:
    addresses = await addresses_from_raw_specs_without_file_owners(
        in_folder(request.folder, "`external_package_dirs` of a truss"), **implicitly()
    )
    targets = await resolve_unexpanded_targets(addresses)
    taken = {address.target_name for address in addresses}
    return ExternalPackagesInFolder(
        tuple(target.address for target in targets if _is_package(target)),
        "truss_external_package" if request.folder.rpartition("/")[2] in taken else "",
    )


@rule(desc="Find the external packages of a truss")
async def find_configured_packages(request: ExternalPackagesRequest) -> ConfiguredPackages:
    truss = request.config.address
    config_file = await read_truss_config(ReadTrussConfigRequest(request.config), **implicitly())
    values = config_file.config.external_package_dirs
    if not values:
        return ConfiguredPackages(())
    entries = [_Entry(truss, config_file, index) for index in range(len(values))]
    named = [_named_folder(entry) for entry in entries]
    # Through a link to the folder itself, or `--changed-since` would not see the files change.
    resolved = await concurrently(
        resolve_folder(ResolveFolderRequest(folder), **implicitly()) for folder in named
    )
    folders = [_inside(entry, real.folder) for entry, real in zip(entries, resolved)]
    found = await concurrently(
        find_external_packages_in_folder(ExternalPackagesInFolderRequest(folder), **implicitly())
        for folder in folders
    )
    addresses: List[Address] = []
    for entry, folder, packages in zip(entries, folders, found):
        if not packages.addresses:
            submodules = await find_empty_submodules(EmptySubmodulesRequest(), **implicitly())
            submodule = submodules.around(folder)
            if submodule:
                raise entry.error(_describe_submodule(folder, submodule))
            there = await path_globs_to_paths(_globs_around(folder), **implicitly())
            raise entry.error(_describe_absence(truss, folder, there, packages.free_name))
        if len(packages.addresses) == 1:
            addresses.append(packages.addresses[0])
            continue
        explicit = await explicitly_provided_dependencies(request.dependencies)
        addresses += _disambiguate(entry, packages.addresses, explicit.includes, explicit.ignores)
    return ConfiguredPackages(tuple(FrozenOrderedSet(addresses)))


@dataclass(frozen=True)
class _Entry:
    """One of `external_package_dirs`."""

    truss: Address
    config: TrussConfigFile
    index: int

    @property
    def value(self) -> str:
        return self.config.config.external_package_dirs[self.index]

    def error(self, what: str) -> InvalidTruss:
        """`what` goes on where the entry is named."""
        path = ("external_package_dirs", self.index)
        line, column = yaml_document.parse(self.config.content).position(path) or (None, None)
        message = f"`external_package_dirs` entry {self.value!r} {what}"
        finding = Finding("cannot-gather", self.config.path, message, line=line, column=column)
        return InvalidTruss.of(self.truss, message, finding.place, [finding])


def _named_folder(entry: _Entry) -> str:
    try:
        return resolve_external_package_dir(
            entry.value, truss_dir=entry.truss.spec_path, build_root=get_buildroot()
        )
    except TrussError as e:
        raise entry.error(str(e)) from None


def _inside(entry: _Entry, folder: Optional[str]) -> str:
    if folder is None:
        raise entry.error(
            "is a symlink that leaves the build root. Move what it points to into the repository."
        )
    try:
        # Where a link leads to.
        refuse_around(folder, entry.truss.spec_path)
    except TrussError as e:
        raise entry.error(str(e)) from None
    return folder


def _globs_around(folder: str) -> PathGlobs:
    escaped = escape_glob(folder)
    return matching([escaped, f"{escaped}/*", join(posixpath.dirname(escaped), "*")])


def _describe_submodule(folder: str, submodule: str) -> str:
    place = "a submodule" if folder == submodule else f"in the submodule {submodule}"
    return (
        f"means the folder {folder}, which is {place} that is not checked out. Run "
        f"`git submodule update --init {submodule}`."
    )


def _describe_absence(truss: Address, folder: str, there: Paths, free_name: str) -> str:
    if folder in there.files:
        return (
            f"is a file, {folder}. Name the folder that holds it: the contents of a folder become "
            f"importable."
        )
    if folder not in there.dirs:
        return (
            f"means the folder {folder}, which does not exist, or which Pants ignores "
            f"(`[GLOBAL].pants_ignore` or git). {_suggestion(truss, folder, there.dirs)}"
        )
    name = f'name="{free_name}"' if free_name else ""
    return (
        f"means the folder {folder}, which has no `truss_external_package` target. Run "
        f"`pants tailor {folder}`, or write this line into {folder}/BUILD:\n\n"
        f"    truss_external_package({name})\n"
    )


def _suggestion(truss: Address, folder: str, there: Iterable[str]) -> str:
    near = difflib.get_close_matches(folder, [f for f in there if f != truss.spec_path], 1, 0.8)
    if near:
        return f"Did you mean `{posixpath.relpath(near[0], truss.spec_path or '.')}`?"
    return "The path is relative to the truss."


def _disambiguate(
    entry: _Entry,
    candidates: Sequence[Address],
    includes: Collection[Address],
    ignores: Collection[Address],
) -> List[Address]:
    """As in Pants' own inference: an explicit dependency decides, and so does an excluding one."""
    chosen = [address for address in candidates if address in includes]
    left = chosen or [address for address in candidates if address not in ignores]
    if chosen or len(left) == 1:
        return left
    listed = "".join(f"\n  * {address}" for address in candidates)
    raise entry.error(
        f"could mean several targets:{listed}\n"
        f"List the one you mean in the truss's `dependencies`, or exclude the others with `!`: "
        f'`dependencies=["{candidates[0]}"]`.'
    )


@dataclass(frozen=True)
class ExternalPackage:
    sources: TrussExternalPackageSourcesField
    dependencies: TrussExternalPackageDependenciesField
    is_configured: bool


@dataclass(frozen=True)
class ExternalPackages:
    """Every external package of a truss, in the order in which they are placed."""

    packages: Tuple[ExternalPackage, ...]


@rule
async def find_external_packages(request: ExternalPackagesRequest) -> ExternalPackages:
    """Finds the packages of the config in its order, then those that only `dependencies` name, then
    the packages that these depend on."""
    configured = await find_configured_packages(request, **implicitly())
    direct = await dependency_targets(DependenciesRequest(request.dependencies))
    _refuse_excluded(request.config.address, configured, direct)
    position = {address: index for index, address in enumerate(configured.addresses)}
    pending = sorted(
        (target for target in direct if _is_package(target)),
        key=lambda target: (position.get(target.address, len(position)), target.address.spec),
    )
    found: List[Target] = []
    while pending:
        found += pending
        deeper = await concurrently(
            dependency_targets(DependenciesRequest(target[TrussExternalPackageDependenciesField]))
            for target in pending
        )
        known = {target.address for target in found}
        new = {t.address: t for targets in deeper for t in targets if _is_package(t)}
        pending = [new[address] for address in sorted(new) if address not in known]
    return ExternalPackages(
        tuple(
            ExternalPackage(
                target[TrussExternalPackageSourcesField],
                target[TrussExternalPackageDependenciesField],
                target.address in position,
            )
            for target in found
        )
    )


def _refuse_excluded(
    truss: Address, configured: ConfiguredPackages, direct: Iterable[Target]
) -> None:
    missing = set(configured.addresses) - {target.address for target in direct}
    if missing:
        address = min(missing)
        raise InvalidTruss.of(
            truss,
            f"its `dependencies` exclude {address} with `!`, but its config names that folder in "
            f"`external_package_dirs`. Remove one of the two.",
        )


def _is_package(target: Target) -> bool:
    return target.has_field(TrussExternalPackageSourcesField)


def rules() -> Iterable[object]:
    return collect_rules()
