"""The errors that planning raises, and the findings that it reports."""

from __future__ import annotations

import posixpath
from typing import Iterable, Iterator, List, Optional, Sequence

from pants.engine.addresses import Address

from pants_truss.core.gather_plan import GatherPlan, describe_collision, name_collisions
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.paths import join
from pants_truss.core.source_tree import SourceTree
from pants_truss.core.truss_ignore import FILE_NAME as IGNORE_FILE
from pants_truss.gather.absent_content import placed
from pants_truss.imports.import_closure import ImportClosure
from pants_truss.imports.python_owners import PythonModules
from pants_truss.sources.config_file import InvalidTruss, TrussConfigFile
from pants_truss.sources.target_files import ReadSourceTree
from pants_truss.sources.workspace_scan import BadPath
from pants_truss.subsystems.gather import PackageCollisions


def refuse_bad_paths(
    address: Address,
    config_file: TrussConfigFile,
    trees: Sequence[ReadSourceTree],
    ignore: IgnorePatterns,
) -> None:
    """A link that leads nowhere, say, is an error if the gathered truss would hold it."""
    problems = []
    for prefix, read in placed(config_file, trees):
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


def refuse_narrow_sources(
    address: Address, config_path: str, truss: SourceTree, user_ignore: Optional[bytes]
) -> None:
    paths = {file.path for file in truss.files}
    for path in [config_path, *([IGNORE_FILE] if user_ignore is not None else [])]:
        if path not in paths:
            raise InvalidTruss.of(
                address,
                f"its `sources` leave out its {path}. Add {path!r} to them, or changes to it will "
                f"go unnoticed.",
            )


def collision_findings(plan: GatherPlan, behavior: PackageCollisions) -> Iterator[Finding]:
    is_error = behavior is PackageCollisions.ERROR
    severity = Severity.ERROR if is_error else Severity.WARNING
    end = (
        "Rename one, leave one out with `!` in `sources` of its target, or set "
        '`[truss-gather].package_collisions = "warn"` to let the last one win.'
        if is_error
        else "The last one wins."
    )
    for collision in plan.collisions:
        yield Finding(
            "collision",
            collision.claims[-1].source or collision.path,
            f"{describe_collision(collision)}. {end}",
            severity,
        )
    for one, other in name_collisions(plan.files):
        yield Finding(
            "collision",
            other.source or other.path,
            f"{other.described_source} and {one.described_source} are {other.path} and {one.path} "
            f"in the gathered truss: names that are equal but for case or Unicode normalisation, "
            f"so one overwrites the other on macOS and Windows. Rename one.",
            severity if one.target != other.target else Severity.WARNING,
        )


def dropped_findings(
    config_file: TrussConfigFile,
    closure: ImportClosure,
    imported: Sequence[SourceTree],
    ignore: IgnorePatterns,
) -> Iterator[Finding]:
    """Files that the code imports and the truss's `.truss_ignore` leaves out."""
    bundled = config_file.config.bundled_packages_dir
    kept = set(ignore.keep([join(bundled, file.path) for tree in imported for file in tree.files]))
    left_out = {
        join(tree.root, file.path): tree.reason
        for tree in imported
        for file in tree.files
        if join(bundled, file.path) not in kept
    }
    left_out.update(closure.left_out)
    for path, reason in sorted(left_out.items()):
        yield Finding(
            "dropped-file",
            path,
            f"it is {reason}, but {join(posixpath.dirname(config_file.path), IGNORE_FILE)} or "
            f"`[truss-gather].ignore` leaves it out. Remove the pattern, or include the file "
            f"again with a `!` line after it.",
        )


def unowned_findings(
    config_file: TrussConfigFile,
    trees: Sequence[ReadSourceTree],
    modules: Sequence[PythonModules],
    ignore: IgnorePatterns,
    imported: Sequence[SourceTree],
) -> Iterator[Finding]:
    """Python files that Pants does not look into, so that what they import is not bundled."""
    for (prefix, read), found in zip(placed(config_file, trees), modules):
        unowned = set(found.unowned)
        paths = [
            file.path
            for file in read.tree.files
            if file.size
            and join(read.tree.root, file.path) in unowned
            and not ignore.is_ignored(join(prefix, file.path))
        ]
        if paths:
            folder = read.tree.root or "the build root"
            globs = ", ".join(f'"{glob}"' for glob in _globs_for(paths))
            yield Finding(
                "unowned-python",
                join(read.tree.root, paths[0]),
                f"no target owns {_listed(join(read.tree.root, p) for p in paths)}, so "
                f"what {'it imports' if len(paths) == 1 else 'they import'} is not bundled. Write "
                f'`python_sources(name="sources", sources=[{globs}])` into the BUILD file in '
                f"{folder}, or run `pants tailor`.",
                Severity.WARNING,
            )
    inits = [
        join(tree.root, file.path)
        for tree in imported
        for file in tree.files
        if not tree.address and file.size and file.path.endswith(".py")
    ]
    if inits:
        yield Finding(
            "unowned-python",
            inits[0],
            f"no target owns {_listed(inits)}, so what "
            f"{'it imports' if len(inits) == 1 else 'they import'} is not bundled. Make it part of "
            f"the `python_sources` beside it.",
            Severity.WARNING,
        )


def _globs_for(paths: Sequence[str]) -> List[str]:
    return sorted(
        {f"{path.partition('/')[0]}/**/*.py" if "/" in path else "*.py" for path in paths}
    )


def _listed(paths: Iterable[str]) -> str:
    found = list(paths)
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more
