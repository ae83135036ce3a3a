"""The files of one target, as `core.gather_plan` wants them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Callable, Iterable, Iterator, List, Tuple

from pants.engine.fs import FileEntry, PathGlobs
from pants.engine.rules import collect_rules
from pants.engine.target import HydrateSourcesRequest, MultipleSourcesField, SourcesPathsRequest
from pants.option.global_options import GlobalOptions
from pants.source.filespec import FilespecMatcher

from pants_truss.core.globs import can_match_below, exclude_globs
from pants_truss.core.paths import below, is_within, join
from pants_truss.core.source_tree import SourceFile, SourceTree
from pants_truss.pants_api import (
    get_digest_entries,
    hydrate_sources,
    implicitly,
    path_globs_to_digest,
    path_globs_to_paths,
    per_session,
    resolve_source_paths,
    rule,
)
from pants_truss.pants_api.per_session import SessionRequest, find_session
from pants_truss.sources.globs import matching
from pants_truss.sources.workspace_scan import (
    BadPath,
    IgnoredPath,
    ScanFolderRequest,
    ScannedFolder,
    scan_folder,
)


@dataclass(frozen=True)
class ReadSourceTreeRequest:
    sources: MultipleSourcesField


@dataclass(frozen=True)
class ReadSourceTree:
    """`tree` is without BUILD files and virtual environments. The other paths are below its root:
    `bad_paths` are errors if the gathered truss would hold them; `ignored` is what the globs of the
    target match and Pants ignores, here or, if it is in the tree, on other machines.
    """

    tree: SourceTree
    bad_paths: Tuple[BadPath, ...]
    ignored: Tuple[IgnoredPath, ...]


@rule(desc="Read truss sources")
async def read_source_tree(
    request: ReadSourceTreeRequest, global_options: GlobalOptions
) -> ReadSourceTree:
    address = request.sources.address
    root = address.spec_path
    scan = await scan_folder(ScanFolderRequest(root), **implicitly())
    if scan.bad_paths or scan.virtualenvs:
        digest = await path_globs_to_digest(_globs_around(request.sources, scan), **implicitly())
    else:
        hydrated = await hydrate_sources(HydrateSourcesRequest(request.sources), **implicitly())
        digest = hydrated.snapshot.digest
    entries = await get_digest_entries(digest)
    files = [entry for entry in entries if isinstance(entry, FileEntry)]
    found = {file.path for file in files}
    bad = [*scan.bad_paths, *_lost_links(scan, found)]
    return ReadSourceTree(
        SourceTree(
            root,
            address.spec,
            tuple(_source_files(files, root, scan, global_options.build_patterns)),
        ),
        tuple(
            replace(path, path=_below(path.path, root))
            for path in bad
            if _is_source(path, request.sources)
        ),
        (
            *_ignored_sources(scan.ignored, request.sources, lambda file: file not in found),
            *_ignored_sources(scan.only_here, request.sources, found.__contains__),
        ),
    )


@dataclass(frozen=True)
class FindSourcePathsRequest:
    sources: MultipleSourcesField


@dataclass(frozen=True)
class FoundSourcePaths:
    """Paths relative to the build root. No content is read."""

    paths: Tuple[str, ...]


@rule
async def find_source_paths(request: FindSourcePathsRequest) -> FoundSourcePaths:
    try:
        found = await resolve_source_paths(SourcesPathsRequest(request.sources), **implicitly())
        return FoundSourcePaths(tuple(found.files))
    except Exception:
        # A symlink that Pants cannot expand: gathering reports it if the truss would hold it.
        # The scan costs too much to be made first for every truss whose dependencies are asked.
        await find_session(SessionRequest(), **implicitly())
        scan = await scan_folder(
            ScanFolderRequest(request.sources.address.spec_path), **implicitly()
        )
        around = await path_globs_to_paths(_globs_around(request.sources, scan), **implicitly())
        return FoundSourcePaths(tuple(around.files))


def _globs_around(sources: MultipleSourcesField, scan: ScannedFolder) -> PathGlobs:
    """The globs of the field, with Pants kept away from what it cannot expand."""
    includes, excludes = _split_globs(sources)
    avoid = [path for bad in scan.bad_paths if bad.real_path for path in (bad.path, bad.real_path)]
    return matching(
        [
            *includes,
            *(f"!{exclude}" for exclude in excludes),
            *exclude_globs(sorted({*avoid, *scan.virtualenvs})),
        ]
    )


def _split_globs(sources: MultipleSourcesField) -> Tuple[List[str], List[str]]:
    """The globs that include and those that exclude, relative to the build root."""
    root = sources.address.spec_path
    excludes = [join(root, glob[1:]) for glob in sources.globs if glob.startswith("!")]
    return [join(root, glob) for glob in sources.globs if not glob.startswith("!")], excludes


def takes_below(sources: MultipleSourcesField, folder: str) -> bool:
    """Returns True if the globs can match a file in the folder (relative to the build root)."""
    return _is_source(BadPath(folder, folder, "", may_be_folder=True), sources)


def _is_source(bad: BadPath, sources: MultipleSourcesField) -> bool:
    """Returns True if the globs take it as a file, or, if it may be a folder, a path below it."""
    includes, excludes = _split_globs(sources)
    below = f"{bad.path}/file"
    if len(FilespecMatcher(["**"], excludes).matches([bad.path, below])) < 2:
        return False
    if FilespecMatcher(includes, []).matches([bad.path]):
        return True
    return bad.may_be_folder and any(can_match_below(glob, bad.path) for glob in includes)


def _ignored_sources(
    paths: Iterable[IgnoredPath], sources: MultipleSourcesField, is_meant: Callable[[str], bool]
) -> Iterator[IgnoredPath]:
    """Those with files that the globs match, relative to the root of the target."""
    matcher = FilespecMatcher(*_split_globs(sources))
    root = sources.address.spec_path
    for ignored in paths:
        files = [*filter(is_meant, matcher.matches(ignored.files))]
        if files:
            yield replace(
                ignored,
                path=_below(ignored.path, root),
                files=tuple(_below(file, root) for file in sorted(files)),
            )


def _lost_links(scan: ScannedFolder, found: Iterable[str]) -> List[BadPath]:
    problem = "is a symlink to a file that Pants ignores, by `[GLOBAL].pants_ignore` or git"
    return [BadPath(path, path, problem) for path in scan.file_links if path not in found]


def _source_files(
    entries: Iterable[FileEntry], root: str, scan: ScannedFolder, build_patterns: Iterable[str]
) -> Iterable[SourceFile]:
    patterns = tuple(build_patterns)
    for entry in entries:
        name = entry.path.rpartition("/")[2]
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        yield SourceFile(
            _below(entry.path, root),
            entry.file_digest.fingerprint,
            entry.file_digest.serialized_bytes_length,
            _is_executable(entry, scan),
        )


def _is_executable(entry: FileEntry, scan: ScannedFolder) -> bool:
    # The engine's answer may be stale, but it is the only one where the scan did not look.
    if any(is_within(entry.path, folder) for folder in scan.ignored_folders):
        return entry.is_executable
    return entry.path in scan.executables


def _below(path: str, root: str) -> str:
    assert is_within(path, root), (path, root)
    return below(path, root)


def rules() -> Iterable[object]:
    return [*collect_rules(), *per_session.rules()]
