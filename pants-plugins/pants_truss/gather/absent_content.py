"""Findings about files that a gathered truss lacks without a reason in its own target."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Sequence, Tuple

from pants.engine.target import MultipleSourcesField

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.gitignore import IgnorePatterns
from pants_truss.core.globs import escape_glob
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.paths import below, is_within, join
from pants_truss.core.truss_config import TrussConfig
from pants_truss.core.truss_ignore import DROPPED_BY_TRUSS
from pants_truss.sources.config_file import TrussConfigFile
from pants_truss.sources.pointer_files import EmptySubmodules, FoundPointers
from pants_truss.sources.target_files import ReadSourceTree, takes_below
from pants_truss.sources.workspace_ignore import IgnoreLine
from pants_truss.sources.workspace_scan import MAX_IGNORED_FILES, IgnoredPath


def placed(
    config_file: TrussConfigFile, trees: Sequence[ReadSourceTree]
) -> Iterator[Tuple[str, ReadSourceTree]]:
    """Each tree with the folder of the gathered truss it lands in: the truss's own is first."""
    for index, read in enumerate(trees):
        yield config_file.config.bundled_packages_dir if index else "", read


def _severity(config: TrussConfig, path: str) -> Severity:
    """`path` is that in the gathered truss. A file that the server reads is certainly missed."""
    served = (config.data_dir, config.model_module_dir, config.bundled_packages_dir)
    if any(folder and is_within(path, folder) for folder in served):
        return Severity.ERROR
    return Severity.WARNING


# --- Files that Pants does not see.


def ignored_findings(
    config_file: TrussConfigFile,
    trees: Sequence[ReadSourceTree],
    ignore: IgnorePatterns,
) -> Iterator[Finding]:
    """What the globs of a target match and Pants ignores: one finding for each folder, and one for
    all files that one line ignores."""
    for prefix, read in placed(config_file, trees):
        groups: Dict[Tuple[object, str, Severity], List[IgnoredPath]] = {}
        for ignored in read.ignored:
            if ignore.keep([join(prefix, file) for file in ignored.files]):
                path = join(prefix, ignored.path)
                severity = _severity(config_file.config, path)
                if _is_expected(ignored):
                    severity = Severity.WARNING
                folder = ignored.path if ignored.is_folder else ""
                lines = (ignored.line, ignored.kept_by)
                groups.setdefault((lines, folder, severity), []).append(ignored)
        for (_, _, severity), found in groups.items():
            yield Finding(
                "dropped-file",
                join(read.tree.root, found[0].path),
                _describe_ignored(found, read),
                severity,
            )


def _is_expected(ignored: IgnoredPath) -> bool:
    """Hidden files and folders, and what Truss leaves out too, are more often litter than not."""
    hidden = any(part.startswith(".") for part in ignored.path.split("/"))
    dropped = DROPPED_BY_TRUSS.ignoring_line(ignored.path, is_dir=ignored.is_folder)
    return hidden or dropped is not None


def _describe_ignored(found: Sequence[IgnoredPath], read: ReadSourceTree) -> str:
    line = found[0].line
    is_one = len(found) == 1
    kind = "folder" if found[0].is_folder else "file"
    inside = f" It holds {_count(found[0].files)}." if found[0].is_folder else ""
    others = [join(read.tree.root, ignored.path) for ignored in found[1:]]
    more = "".join(f" and {other}" for other in others)
    if len(others) > 2:
        more = f" and {len(others)} more"
    it, verb = ("it", "is") if is_one else ("them", "are")
    if found[0].kept_by:
        return _describe_only_here(f"the {kind}{more} {verb}", it, found, read)
    fact = (
        f"the {kind}{more} {verb} left out, as Pants ignores {it} by `{line.pattern.strip()}` "
        f"({line.origin}).{inside}"
    )
    if line.is_personal:
        fact += " That line is not part of the repository: other machines gather other files."
    back = " ".join(f"`!{glob}`" for glob in _globs(line, found, f"/{read.tree.root}"))
    quoted = ", ".join(f'"!{glob}"' for glob in _globs(line, found, f"/{read.tree.root}"))
    out = ", ".join(f'"!{glob}"' for glob in _globs(line, found, "", "**"))
    file = line.origin.rpartition(":")[0]
    if line.is_personal:
        keep = f"remove the line from {file}, or add"
    elif file:
        keep = (
            f"add {back} to {file} below that line, set `pants_ignore_use_gitignore = false`, "
            f"or add"
        )
    else:
        keep = "add"
    return (
        f"{fact} To package {it}, {keep} `pants_ignore.add = [{quoted}]` to `[GLOBAL]` in "
        f"pants.toml. To leave {it} out, add {out} to `sources` of {read.tree.address}."
    )


def _describe_only_here(
    what: str, it: str, found: Sequence[IgnoredPath], read: ReadSourceTree
) -> str:
    line, kept_by = found[0].line, found[0].kept_by
    assert kept_by is not None
    back = " ".join(f"`!{glob}`" for glob in _globs(line, found, f"/{read.tree.root}"))
    return (
        f"{what} packaged on this machine only: other machines ignore {it} by "
        f"`{line.pattern.strip()}` ({line.origin}), and `{kept_by.pattern.strip()}` "
        f"({kept_by.origin}), which is not part of the repository, brings {it} back here. To "
        f"package {it} everywhere, add {back} to {line.origin.rpartition(':')[0]} below that line. "
        f"To leave {it} out, remove the line from {kept_by.origin.rpartition(':')[0]}."
    )


def _count(files: Sequence[str]) -> str:
    if len(files) == MAX_IGNORED_FILES:
        return f"{len(files)} or more files"
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"


def _globs(line: IgnoreLine, found: Sequence[IgnoredPath], root: str, below: str = "") -> List[str]:
    """Patterns for what was found, and for no other files: by its names if there are few. `below`
    is what a folder needs after its slash."""
    pattern = line.pattern.strip()
    prefix = f"{root.rstrip('/')}/" if root else ""
    is_name = "/" not in pattern and not found[0].is_folder
    if len(found) > 3 and is_name:
        return [f"{prefix}**/{pattern}"]
    return [
        f"{prefix}{escape_glob(ignored.path)}{f'/{below}' if ignored.is_folder else ''}"
        for ignored in found
    ]


# --- Content that was not fetched.


def pointer_findings(
    config: TrussConfig, files: Iterable[GatheredFile], found: Iterable[FoundPointers]
) -> Iterator[Finding]:
    """Pointers of Git LFS and git-annex among the files of the gathered truss."""
    places = {file.source: file.path for file in files if file.source}
    for pointers in found:
        for path, what in pointers.pointers:
            yield Finding("dropped-file", path, f"it {what}.", _severity(config, places[path]))


def submodule_findings(
    config_file: TrussConfigFile,
    targets: Sequence[MultipleSourcesField],
    ignore: IgnorePatterns,
    submodules: EmptySubmodules,
) -> Iterator[Finding]:
    """`targets` are the sources of the truss, then those of its external packages."""
    for index, sources in enumerate(targets):
        prefix, root = (
            config_file.config.bundled_packages_dir if index else "",
            sources.address.spec_path,
        )
        for path in submodules.paths:
            if not is_within(path, root) or path == root:
                continue
            place = join(prefix, below(path, root))
            if takes_below(sources, path) and not ignore.is_dir_ignored(place):
                yield Finding(
                    "dropped-file",
                    path,
                    f"it is a submodule that is not checked out. Run "
                    f"`git submodule update --init {path}`.",
                    _severity(config_file.config, place),
                )


def tracked_output_findings(
    config_file: TrussConfigFile,
    trees: Sequence[ReadSourceTree],
    ignore: IgnorePatterns,
) -> Iterator[Finding]:
    """A `.dvc` file stands for a file or folder that DVC fetches."""
    for prefix, read in placed(config_file, trees):
        paths = [file.path for file in read.tree.files]
        known = {*paths, *(path.path for path in read.ignored)}
        for path in paths:
            output, suffix = path[: -len(".dvc")], path[-len(".dvc") :]
            if suffix != ".dvc" or not output.rpartition("/")[2] or output in known:
                continue
            is_folder = any(is_within(other, output) for other in known)
            if not is_folder and not ignore.is_ignored(join(prefix, output)):
                yield Finding(
                    "dropped-file",
                    join(read.tree.root, path),
                    f"it stands for {join(read.tree.root, output)}, which is not there. Run "
                    f"`dvc pull`.",
                    Severity.WARNING,
                )
