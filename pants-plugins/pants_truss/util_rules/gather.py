"""Gathers a truss: plumbing around `core.gather_plan`. It reads no content but the config's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

from pants.engine.addresses import Address
from pants.engine.fs import (
    CreateDigest,
    Digest,
    FileContent,
    FileDigest,
    FileEntry,
    GlobMatchErrorBehavior,
    PathGlobs,
)
from pants.engine.rules import collect_rules
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from pants_truss.core.config_edit import clear_external_package_dirs
from pants_truss.core.errors import TrussError
from pants_truss.core.gather_plan import (
    GatherPlan,
    SourceTree,
    describe_collisions,
    plan_gather,
)
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.globs import escape_glob
from pants_truss.core.paths import join
from pants_truss.core.tree_digest import tree_digest
from pants_truss.core.truss_config import CONFIG_FILE
from pants_truss.core.truss_ignore import FILE_NAME as IGNORE_FILE
from pants_truss.core.truss_ignore import file_content, ignore_lines
from pants_truss.engine import (
    concurrently,
    create_digest,
    get_digest_contents,
    implicitly,
    path_globs_to_digest,
    rule,
)
from pants_truss.subsystem import PackageCollisions, TrussGatherSubsystem
from pants_truss.target_types import TrussConfigField, TrussDependenciesField, TrussSourcesField
from pants_truss.util_rules.external_packages import (
    ExternalPackagesRequest,
    find_external_packages,
)
from pants_truss.util_rules.source_tree import (
    ReadSourceTree,
    ReadSourceTreeRequest,
    read_source_tree,
)
from pants_truss.util_rules.truss_config import (
    InvalidTruss,
    ReadTrussConfigRequest,
    TrussConfigFile,
    read_truss_config,
)
from pants_truss.util_rules.workspace import BadPath


@dataclass(frozen=True)
class GatherTrussRequest:
    config: TrussConfigField
    sources: TrussSourcesField
    dependencies: TrussDependenciesField

    @property
    def address(self) -> Address:
        return self.sources.address


@dataclass(frozen=True)
class GatheredTruss:
    """A self-contained truss: `digest` holds it at its root.

    `tree_digest` is that of `core.tree_digest`; `size` is in bytes; `packages` counts the files
    that each external root gave, by its folder, in the order in which they were laid in. `notes`
    are for the user, to be shown each time that the result is used.
    """

    digest: Digest
    tree_digest: str
    file_count: int
    size: int
    packages: FrozenDict[str, int]
    notes: Tuple[str, ...]


@rule(desc="Gather truss", level=LogLevel.DEBUG)
async def gather_truss(request: GatherTrussRequest, options: TrussGatherSubsystem) -> GatheredTruss:
    config_file = await read_truss_config(ReadTrussConfigRequest(request.config), **implicitly())
    packages = await find_external_packages(
        ExternalPackagesRequest(request.config, request.dependencies), **implicitly()
    )
    trees = await concurrently(
        read_source_tree(ReadSourceTreeRequest(sources), **implicitly())
        for sources in (request.sources, *packages.sources)
    )
    ignore_digest = await path_globs_to_digest(_user_ignore_globs(request.address), **implicitly())
    ignore_contents = await get_digest_contents(ignore_digest)
    user_ignore = ignore_contents[0].content if ignore_contents else None
    lines = _ignore_lines(request, options, user_ignore)
    ignore = IgnorePatterns(lines)
    _refuse_bad_paths(request.address, config_file, trees, ignore)
    _refuse_narrow_sources(request, trees[0].tree, user_ignore)
    plan = _plan(request, config_file, [tree.tree for tree in trees], ignore)
    notes = (
        *_collision_notes(request.address, plan, options.package_collisions),
        *_unseen_notes(config_file, trees, ignore),
    )
    generated = _generated(request.address, config_file, lines)
    digest = await create_digest(CreateDigest(_entries(plan, generated)), **implicitly())
    return _gathered(digest, plan, generated, [tree.tree for tree in trees[1:]], notes)


def _user_ignore_globs(address: Address) -> PathGlobs:
    path = escape_glob(join(address.spec_path, IGNORE_FILE))
    return PathGlobs([path], glob_match_error_behavior=GlobMatchErrorBehavior.ignore)


def _ignore_lines(
    request: GatherTrussRequest, options: TrussGatherSubsystem, user_file: Optional[bytes]
) -> List[str]:
    try:
        return ignore_lines(options.ignore, user_file)
    except TrussError as e:
        raise InvalidTruss.of(request.address, e) from None


def _placed(
    config_file: TrussConfigFile, trees: Sequence[ReadSourceTree]
) -> Iterator[Tuple[str, ReadSourceTree]]:
    """Each tree with the folder of the gathered truss it lands in: the truss's own is first."""
    for index, read in enumerate(trees):
        yield config_file.config.bundled_packages_dir if index else "", read


def _refuse_bad_paths(
    address: Address,
    config_file: TrussConfigFile,
    trees: Sequence[ReadSourceTree],
    ignore: IgnorePatterns,
) -> None:
    """A link that leads nowhere, say, is an error if the gathered truss would hold it."""
    problems = []
    for prefix, read in _placed(config_file, trees):
        for bad in read.bad_paths:
            path = join(prefix, bad.path)
            if not ignore.is_ignored(path) and not ignore.is_dir_ignored(path):
                problems.append(_describe_bad_path(read.tree, bad))
    if problems:
        raise InvalidTruss.of(
            address,
            "\n".join(problems) + "\nOr leave it out with `!` in `sources` of its target.",
        )


def _describe_bad_path(tree: SourceTree, bad: BadPath) -> str:
    return f"{join(tree.root, bad.path)} ({tree.address}) {bad.problem}."


def _plan(
    request: GatherTrussRequest,
    config_file: TrussConfigFile,
    trees: Sequence[SourceTree],
    ignore: IgnorePatterns,
) -> GatherPlan:
    return plan_gather(
        trees[0],
        trees[1:],
        config_path=request.config.value,
        bundled_packages_dir=config_file.config.bundled_packages_dir,
        ignore=ignore,
    )


def _refuse_narrow_sources(
    request: GatherTrussRequest, truss: SourceTree, user_ignore: Optional[bytes]
) -> None:
    paths = {file.path for file in truss.files}
    needed = [request.config.value, *([IGNORE_FILE] if user_ignore is not None else [])]
    for path in needed:
        if path not in paths:
            raise InvalidTruss.of(
                request.address,
                f"its `sources` leave out its {path}. Add {path!r} to them, or changes to it will "
                f"go unnoticed.",
            )


def _collision_notes(
    address: Address, plan: GatherPlan, behavior: PackageCollisions
) -> Iterator[str]:
    if not plan.collisions:
        return
    count = len(plan.collisions)
    described = (
        f"{count} path{'s' if count > 1 else ''} of the gathered truss "
        f"{'come' if count > 1 else 'comes'} from more than one source:\n"
        f"{describe_collisions(plan.collisions)}"
    )
    if behavior is PackageCollisions.ERROR:
        raise InvalidTruss.of(
            address,
            f"{described}\nRename one, leave one out with `!` in `sources` of its target, or set "
            f'`[truss-gather].package_collisions = "warn"` to let the last one listed win.',
        )
    yield f"Warning: {described}\n  The last one listed wins."


def _unseen_notes(
    config_file: TrussConfigFile, trees: Sequence[ReadSourceTree], ignore: IgnorePatterns
) -> Iterator[str]:
    """Folders that Pants ignores, though a truss might mean them: hidden ones, `lib/`."""
    for prefix, read in _placed(config_file, trees):
        folders = [f for f in read.unseen if not ignore.is_dir_ignored(join(prefix, f))]
        if folders:
            listed = ", ".join(join(read.tree.root, folder) for folder in folders)
            yield f"Left out, as Pants ignores it (`[GLOBAL].pants_ignore` or git): {listed}"


def _generated(
    address: Address, config_file: TrussConfigFile, lines: Sequence[str]
) -> Dict[str, bytes]:
    """The files whose content is made here, by path in the gathered truss."""
    config = config_file.content
    if config_file.config.is_scattered:
        try:
            config = clear_external_package_dirs(config)
        except TrussError as e:
            raise InvalidTruss.of(address, f"{config_file.path}: {e}") from None
    return {CONFIG_FILE: config, IGNORE_FILE: file_content(lines)}


def _entries(plan: GatherPlan, generated: Dict[str, bytes]) -> List[Union[FileContent, FileEntry]]:
    executables = {planned.path for planned in plan.files if planned.file.is_executable}
    return [
        *(
            FileEntry(
                planned.path,
                FileDigest(planned.file.sha256, planned.file.size),
                is_executable=planned.file.is_executable,
            )
            for planned in plan.files
            if planned.path not in generated
        ),
        *(
            FileContent(path, content, is_executable=path in executables)
            for path, content in generated.items()
        ),
    ]


def _gathered(
    digest: Digest,
    plan: GatherPlan,
    generated: Dict[str, bytes],
    packages: Sequence[SourceTree],
    notes: Tuple[str, ...],
) -> GatheredTruss:
    records: Dict[str, Tuple[str, str, bool]] = {
        planned.path: (planned.path, planned.file.sha256, planned.file.is_executable)
        for planned in plan.files
    }
    sizes = {planned.path: planned.file.size for planned in plan.files}
    for path, content in generated.items():
        executable = path in records and records[path][2]
        records[path] = (path, hashlib.sha256(content).hexdigest(), executable)
        sizes[path] = len(content)
    counts = {package.root: 0 for package in packages}
    addresses = {package.address for package in packages}
    for planned in plan.files:
        if planned.source.address in addresses:
            counts[planned.source.root] += 1
    return GatheredTruss(
        digest=digest,
        tree_digest=tree_digest(records.values()),
        file_count=len(records),
        size=sum(sizes.values()),
        packages=FrozenDict(counts),
        notes=notes,
    )


def rules() -> Iterable[object]:
    return collect_rules()
