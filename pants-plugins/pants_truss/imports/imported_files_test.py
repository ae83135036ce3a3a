"""What bundled targets bring: files below their source roots, with the modes of the files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

import pytest
from pants.backend.python import target_types_rules
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.core.target_types import (
    FilesGeneratorTarget,
    FileSourceField,
    GenericTarget,
    ResourcesGeneratorTarget,
)
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address
from pants.engine.fs import CreateDigest, FileContent
from pants.engine.rules import collect_rules
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    GeneratedSources,
    GenerateSourcesRequest,
    SingleSourceField,
    SourcesField,
    Target,
)
from pants.engine.unions import UnionRule
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.core.source_tree import SourceFile, SourceTree
from pants_truss.imports import imported_files
from pants_truss.imports.closure_walk import ImportedSource
from pants_truss.imports.import_graph import ImportNode
from pants_truss.imports.imported_files import ImportedTrees, ReadImportedSourcesRequest
from pants_truss.pants_api import create_digest, digest_to_snapshot, implicitly, rule
from pants_truss.sources import workspace_scan


class SchemaSourceField(SingleSourceField):
    expected_num_files = 1


class SchemaTarget(Target):
    alias = "schema"
    core_fields = (*COMMON_TARGET_FIELDS, Dependencies, SchemaSourceField)


class GenerateFromSchema(GenerateSourcesRequest):
    input = SchemaSourceField
    output = FileSourceField


@rule
async def generate(request: GenerateFromSchema) -> GeneratedSources:
    """Two files, in two source roots."""
    folder = request.protocol_target.address.spec_path
    files = [
        FileContent(f"{folder}/src/made.py", b"made", is_executable=True),
        FileContent(f"{folder}/other/made.txt", b"text"),
    ]
    digest = await create_digest(CreateDigest(files), **implicitly())
    return GeneratedSources(await digest_to_snapshot(digest))


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *collect_rules(),
            *core_target_types_rules(),
            *target_types_rules.rules(),
            *imported_files.rules(),
            *workspace_scan.rules(),
            UnionRule(GenerateSourcesRequest, GenerateFromSchema),
            QueryRule(ImportedTrees, [ReadImportedSourcesRequest]),
        ],
        target_types=[
            FilesGeneratorTarget,
            GenericTarget,
            PythonSourcesGeneratorTarget,
            ResourcesGeneratorTarget,
            SchemaTarget,
        ],
    )


OPTIONS = ["--source-root-patterns=['/*/src', '/*/other']"]


def node(
    rule_runner: RuleRunner,
    folder: str,
    name: Optional[str] = None,
    file: Optional[str] = None,
) -> ImportNode:
    address = Address(folder, target_name=name, relative_file_path=file)
    target = rule_runner.get_target(address)
    return ImportNode(address, sources=target.get(SourcesField))


def read(rule_runner: RuleRunner, nodes: Iterable[Tuple[ImportNode, str]]) -> List[SourceTree]:
    rule_runner.set_options(OPTIONS)
    request = ReadImportedSourcesRequest(
        tuple(ImportedSource(node, reason) for node, reason in nodes)
    )
    return list(rule_runner.request(ImportedTrees, [request]).trees)


def write(rule_runner: RuleRunner, root: str, files: Dict[str, str]) -> None:
    rule_runner.set_options(OPTIONS)
    rule_runner.write_files({f"{root}/{path}": text for path, text in files.items()})


def file(path: str, content: str, is_executable: bool = False) -> SourceFile:
    data = content.encode()
    return SourceFile(path, hashlib.sha256(data).hexdigest(), len(data), is_executable)


def test_each_source_has_its_reason_and_its_root(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "plain",
        {
            "src/BUILD": "python_sources(sources=['a/*'])\nresources(name='r', sources=['*.é'])",
            "src/a/é x.py": "é",
            "src/data.é": "",
            "elsewhere/BUILD": "files(name='f', sources=['*'])",
            "elsewhere/f.csv": "1",
        },
    )
    found = read(
        rule_runner,
        [
            (node(rule_runner, "plain/src", None, "a/é x.py"), "imported by m.py"),
            (node(rule_runner, "plain/src", "r", "data.é"), "explicit dependency"),
            (node(rule_runner, "plain/elsewhere", "f", "f.csv"), "explicit dependency"),
        ],
    )
    assert found == [
        SourceTree(
            "plain/src",
            "plain/src/a/é x.py:../src",
            (file("a/é x.py", "é"),),
            "imported by m.py",
        ),
        SourceTree(
            "plain/src",
            "plain/src/data.é:r",
            (file("data.é", ""),),
            "explicit dependency",
        ),
        # No source root: its path is that below the build root.
        SourceTree(
            "",
            "plain/elsewhere/f.csv:f",
            (file("plain/elsewhere/f.csv", "1"),),
            "explicit dependency",
        ),
    ]


def test_a_file_that_no_target_owns(rule_runner: RuleRunner) -> None:
    write(rule_runner, "bare", {"src/[p]/__init__.py": "x", "src/p/__init__.py": "y"})
    bare = ImportNode(None, file="bare/src/[p]/__init__.py", source_root="bare/src")
    assert read(rule_runner, [(bare, "imported by a")]) == [
        SourceTree("bare/src", "", (file("[p]/__init__.py", "x"),), "imported by a")
    ]


def test_a_file_that_is_gone_and_a_target_without_sources_bring_nothing(
    rule_runner: RuleRunner,
) -> None:
    gone = ImportNode(None, file="bare/src/gone/__init__.py")
    nothing = ImportNode(None)
    assert read(rule_runner, [(gone, "x"), (nothing, "y")]) == []


def test_what_is_generated_lands_below_its_own_roots(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "made",
        {"BUILD": "schema(name='s', source='x.schema')", "x.schema": ""},
    )
    found = read(rule_runner, [(node(rule_runner, "made", "s"), "imported by m")])
    # With the mode that it was made with, as no such file lies there.
    assert found == [
        SourceTree("made/other", "made:s", (file("made.txt", "text"),), "imported by m"),
        SourceTree("made/src", "made:s", (file("made.py", "made", True),), "imported by m"),
    ]


def test_the_mode_is_that_of_the_file_now(rule_runner: RuleRunner) -> None:
    write(rule_runner, "modes", {"src/BUILD": "python_sources()", "src/run.py": "x"})
    path = Path(rule_runner.build_root, "modes/src/run.py")
    for mode, expected in ((0o644, False), (0o755, True), (0o644, False)):
        path.chmod(mode)
        (tree,) = read(rule_runner, [(node(rule_runner, "modes/src", None, "run.py"), "r")])
        assert tree.files == (file("run.py", "x", expected),)


def test_the_order_is_that_of_the_request(rule_runner: RuleRunner) -> None:
    write(
        rule_runner,
        "order",
        {"src/BUILD": "python_sources()", "src/a.py": "", "src/b.py": ""},
    )
    nodes = [(node(rule_runner, "order/src", None, f"{name}.py"), name) for name in "ba"]
    assert [tree.reason for tree in read(rule_runner, nodes)] == ["b", "a"]
    assert [tree.reason for tree in read(rule_runner, nodes[::-1])] == ["a", "b"]
    assert read(rule_runner, []) == []
