"""Tells people what a gathered truss holds: `pants truss-explain`."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredFile, GatheredRequirement
from pants_truss.core.import_walk import chain_to
from pants_truss.core.source_tree import EXPLICIT, EXTERNAL_PACKAGE, GENERATED, TRUSS
from pants_truss.core.summary import human_size
from pants_truss.core.terminal import visible_line

_IMPORTED = "imported"


def describe_truss(
    target: str,
    files: Sequence[GatheredFile],
    requirements: Sequence[GatheredRequirement],
    tree_digest: str,
) -> str:
    """The tree grouped by where its files come from, with sizes, and the requirements."""
    total = sum(file.size for file in files)
    lines = [f"{target}: {_count(files)}, {human_size(total)}, {tree_digest}"]
    for title, group in _groups(files).items():
        size = sum(file.size for file in group)
        lines += ["", f"  {title}: {_count(group)}, {human_size(size)}"]
        width = max(len(file.path) for file in group)
        lines += [_file_line(file, width) for file in group]
    if requirements:
        lines += ["", "  requirements"]
        width = max(len(requirement.requirement) for requirement in requirements)
        lines += [_requirement_line(requirement, width) for requirement in requirements]
    return _joined(lines)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{visible_line(line)}\n" for line in lines)


def _count(files: Sequence[GatheredFile]) -> str:
    return f"{len(files)} file{'' if len(files) == 1 else 's'}"


def _groups(files: Sequence[GatheredFile]) -> Dict[str, List[GatheredFile]]:
    """Truss first, then external packages, imports, explicit dependencies, and what is made."""
    order = [TRUSS, EXTERNAL_PACKAGE, _IMPORTED, EXPLICIT, GENERATED]
    titles: Dict[Tuple[int, str], List[GatheredFile]] = {}
    for file in files:
        kind = file.reason if file.reason in order else _IMPORTED
        by_target = kind in (TRUSS, EXTERNAL_PACKAGE)
        title = f"{kind} ({file.target})" if by_target else kind
        titles.setdefault((order.index(kind), title), []).append(file)
    return {title: titles[position, title] for position, title in sorted(titles)}


def _file_line(file: GatheredFile, width: int) -> str:
    notes = [human_size(file.size).rjust(8)]
    if file.reason not in (TRUSS, EXTERNAL_PACKAGE, GENERATED):
        notes.append(file.reason if file.reason != EXPLICIT else (file.target or ""))
    mark = "*" if file.is_executable else ""
    return f"    {(file.path + mark).ljust(width + 1)} {'  '.join(notes)}".rstrip()


def _requirement_line(requirement: GatheredRequirement, width: int) -> str:
    reason = f" ({requirement.reason})" if requirement.reason else ""
    return f"    {requirement.requirement.ljust(width)}  {requirement.origin}{reason}"


def describe_path(
    target: str,
    path: str,
    files: Sequence[GatheredFile],
    via: Mapping[str, Optional[str]],
    sources: Mapping[str, str],
) -> str:
    """How a file of the gathered truss came to be there: for an import, the chain from the model.

    `via` is that of the import walk, `sources` has the path of each of its nodes that has one.
    Raises `TrussError` if there is no such file.
    """
    found = next((file for file in files if file.path == path), None)
    if found is None:
        raise TrussError(f"{target} has no file {path!r}.{_nearest(path, files)}")
    lines = [f"{target}: {path}"]
    origin = f"{found.source} ({found.target or 'no target'})" if found.source else "made by gather"
    lines.append(f"  from {origin}")
    if found.reason in (TRUSS, EXTERNAL_PACKAGE, GENERATED):
        lines.append(f"  because: {found.reason}")
        return _joined(lines)
    key = found.target if found.target in via else found.source
    chain = chain_to(key, via) if key is not None and key in via else []
    lines += [f"  {line}" for line in _chain_lines(chain, sources, found.reason)]
    return _joined(lines)


def _chain_lines(chain: Sequence[str], sources: Mapping[str, str], reason: str) -> Iterator[str]:
    if len(chain) < 2:
        yield f"because: {reason}"
        return
    for depth, key in enumerate(chain):
        name = sources.get(key, key)
        yield name if not depth else f"{'  ' * (depth - 1)}-> {name}"


def _nearest(path: str, files: Sequence[GatheredFile]) -> str:
    name = path.rpartition("/")[2]
    similar = [file.path for file in files if file.path.rpartition("/")[2] == name]
    if not similar:
        return " `pants truss-explain` without `--path` lists all."
    return f" Did you mean {' or '.join(similar[:3])}?"
