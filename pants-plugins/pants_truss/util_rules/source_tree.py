"""The files of one target, as `core.gather_plan` wants them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Iterable, List, Tuple

from pants.engine.fs import FileEntry, GlobMatchErrorBehavior, PathGlobs
from pants.engine.rules import collect_rules
from pants.engine.target import HydrateSourcesRequest, MultipleSourcesField
from pants.option.global_options import GlobalOptions
from pants.source.filespec import FilespecMatcher

from pants_truss.core.gather_plan import SourceFile, SourceTree
from pants_truss.core.paths import is_within, join
from pants_truss.engine import (
    get_digest_entries,
    hydrate_sources,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_truss.util_rules.links import (
    BadLink,
    FindLinksRequest,
    FoundLinks,
    exclude_globs,
    find_links,
)


@dataclass(frozen=True)
class ReadSourceTreeRequest:
    sources: MultipleSourcesField


@dataclass(frozen=True)
class ReadSourceTree:
    """`tree` without BUILD files and virtual environments; `bad_links` have paths below its root.

    Whether a bad link is an error depends on whether the gathered truss would hold it.
    """

    tree: SourceTree
    bad_links: Tuple[BadLink, ...]


@rule(desc="Read truss sources")
async def read_source_tree(
    request: ReadSourceTreeRequest, global_options: GlobalOptions
) -> ReadSourceTree:
    address = request.sources.address
    root = address.spec_path
    links = await find_links(FindLinksRequest(root), **implicitly())
    if links.bad or links.virtualenvs:
        digest = await path_globs_to_digest(_globs_around(request.sources, links), **implicitly())
    else:
        hydrated = await hydrate_sources(HydrateSourcesRequest(request.sources), **implicitly())
        digest = hydrated.snapshot.digest
    entries = await get_digest_entries(digest)
    files = tuple(_source_files(entries, root, global_options.build_patterns))
    found = {join(root, file.path) for file in files}
    matcher = FilespecMatcher(
        request.sources.filespec["includes"], request.sources.filespec.get("excludes", [])
    )
    return ReadSourceTree(
        SourceTree(root, address.spec, files),
        tuple(
            BadLink(_below(bad.path, root), bad.real_path, bad.problem)
            for bad in _relevant(links, found)
            if matcher.matches([bad.path, bad.path + "/file"])
        ),
    )


def _globs_around(sources: MultipleSourcesField, links: FoundLinks) -> PathGlobs:
    """The globs of the field, with Pants kept away from what it cannot expand."""
    filespec = sources.filespec
    avoid = [*(bad.real_path for bad in links.bad), *(bad.path for bad in links.bad)]
    return PathGlobs(
        [
            *filespec["includes"],
            *(f"!{exclude}" for exclude in filespec.get("excludes", [])),
            *exclude_globs(sorted({*avoid, *links.virtualenvs})),
        ],
        glob_match_error_behavior=GlobMatchErrorBehavior.ignore,
    )


def _relevant(links: FoundLinks, found: Iterable[str]) -> List[BadLink]:
    lost = [
        BadLink(
            path,
            path,
            "is a symlink to a file that Pants ignores, by `[GLOBAL].pants_ignore` or git",
        )
        for path in links.file_links
        if path not in found
    ]
    return [*links.bad, *lost]


def _source_files(
    entries: Iterable[object], root: str, build_patterns: Iterable[str]
) -> Iterable[SourceFile]:
    patterns = tuple(build_patterns)
    for entry in entries:
        if not isinstance(entry, FileEntry):
            continue
        name = entry.path.rpartition("/")[2]
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            continue
        yield SourceFile(
            _below(entry.path, root),
            entry.file_digest.fingerprint,
            entry.file_digest.serialized_bytes_length,
            entry.is_executable,
        )


def _below(path: str, root: str) -> str:
    assert is_within(path, root), (path, root)
    return path[len(root) + 1 :] if root else path


def rules() -> Iterable[object]:
    return collect_rules()
