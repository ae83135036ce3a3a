"""Draws trusses, the code they share and what they require as a graph in Graphviz's language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Mapping, Sequence, Set, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredFile, GatheredRequirement
from pants_truss.core.paths import ancestors, is_within
from pants_truss.core.requirement import parse_line
from pants_truss.core.source_tree import EXTERNAL_PACKAGE, GENERATED, TRUSS
from pants_truss.core.terminal import visible_line

_REQUIRED_BY = "required by "


@dataclass(frozen=True)
class DrawnTruss:
    """`edges` lead from node to node of the import walk; `sources` has the path of those nodes that
    are files, `distributions` the distributions of those that are requirements. `packages` has the
    root of each external package."""

    target: str
    files: Sequence[GatheredFile]
    requirements: Sequence[GatheredRequirement]
    edges: Sequence[Tuple[str, str]]
    sources: Mapping[str, str]
    distributions: Mapping[str, Sequence[str]]
    packages: Mapping[str, str]


def draw(trusses: Iterable[DrawnTruss]) -> str:
    """One graph for all. Boxes are trusses, folders shared code, ellipses requirements. An external
    package of one truss is one node, also where others import from its folder."""
    shapes: Dict[str, str] = {}
    edges: Set[Tuple[str, str]] = set()
    drawn = list(trusses)
    packages = {root: package for truss in drawn for package, root in truss.packages.items()}
    for truss in drawn:
        drawing = _Drawing(truss, packages)
        shapes.update(drawing.shapes())
        edges.update(drawing.edges())
    lines = ["digraph trusses {", "  rankdir=LR;"]
    lines += [f"  {_quote(name)} [shape={shape}];" for name, shape in sorted(shapes.items())]
    lines += [f"  {_quote(a)} -> {_quote(b)};" for a, b in sorted(edges)]
    return "\n".join([*lines, "}"]) + "\n"


def _quote(name: str) -> str:
    return json.dumps(visible_line(name), ensure_ascii=False)


class _Drawing:
    def __init__(self, truss: DrawnTruss, packages: Mapping[str, str]) -> None:
        """`packages` has the external packages of all trusses, by their roots."""
        self._truss = truss
        self._groups = {
            file.source: _group(truss, file, packages)
            for file in truss.files
            if file.source and file.reason != GENERATED
        }

    def shapes(self) -> Iterator[Tuple[str, str]]:
        yield self._truss.target, "box"
        for name in {*self._groups.values(), *self._truss.packages}:
            if name != self._truss.target:
                yield name, "folder"
        for _, name in self.edges():
            if name.startswith("pip:"):
                yield name, "ellipse"

    def edges(self) -> Iterator[Tuple[str, str]]:
        for package in self._truss.packages:
            yield self._truss.target, package
        for start, end in self._truss.edges:
            a = self._groups.get(self._truss.sources.get(start, start), self._truss.target)
            for b in self._ends(end):
                if a != b:
                    yield a, b
        imported = {name for names in self._truss.distributions.values() for name in names}
        for requirement in self._truss.requirements:
            name = _distribution(requirement.requirement)
            reason = requirement.reason or ""
            if reason.startswith(_REQUIRED_BY):
                yield f"pip:{reason[len(_REQUIRED_BY):]}", f"pip:{name}"
            elif name and name not in imported:
                yield self._truss.target, f"pip:{name}"

    def _ends(self, node: str) -> List[str]:
        if node in self._truss.distributions:
            return [f"pip:{name}" for name in self._truss.distributions[node]]
        group = self._groups.get(self._truss.sources.get(node, node))
        return [group] if group else []


def _group(truss: DrawnTruss, file: GatheredFile, packages: Mapping[str, str]) -> str:
    """The truss, the external package, or the folder of the top-level package of an import."""
    if file.reason == TRUSS:
        return truss.target
    assert file.source is not None
    for package, root in truss.packages.items():
        if file.reason == EXTERNAL_PACKAGE and is_within(file.source, root):
            return package
    around = next((folder for folder in ancestors(file.source) if folder in packages), None)
    if around:
        return packages[around]
    # `a/b/textkit/clean.py`, bundled at `packages/textkit/clean.py`: the part that both share.
    depth = len(_common_suffix(file.source, file.path)) - 1
    folders = list(ancestors(file.source))
    return folders[depth - 1] if 0 < depth <= len(folders) else file.source


def _common_suffix(source: str, path: str) -> List[str]:
    common: List[str] = []
    for a, b in zip(reversed(source.split("/")), reversed(path.split("/"))):
        if a != b:
            break
        common.append(a)
    return common


def _distribution(requirement: str) -> str:
    """The name of the distribution, or the URL of one without a name; empty for an option."""
    try:
        line = parse_line(requirement)
    except TrussError:
        return requirement
    if line is None or line.is_option:
        return ""
    return line.name or line.text
