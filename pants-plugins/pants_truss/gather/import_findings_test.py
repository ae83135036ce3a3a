from __future__ import annotations

from typing import Iterable, List, Sequence

import pytest

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.truss_config import parse
from pants_truss.gather.import_findings import import_findings
from pants_truss.imports.closure_step import UnbundledImport
from pants_truss.sources.config_file import TrussConfigFile

FOREIGN = UnbundledImport("t/model/model.py", "kit_a.core", "b/packages/kit_a/core.py", "b:b")
STUB = UnbundledImport("s/fast/api.py", "fast._core", "s/fast/_core.pyi")
OWN_STUB = UnbundledImport("t/model/model.py", "model._core", "t/model/_core.pyi")


def findings(
    each: UnbundledImport,
    config: str = "",
    requirements: Sequence[str] = (),
    gathered: Iterable[str] = (),
) -> List[Finding]:
    content = config.encode()
    file = TrussConfigFile("t/config.yaml", content, parse(content))
    return [*import_findings(file, [each], requirements, set(gathered))]


@pytest.mark.parametrize("each", [FOREIGN, STUB, OWN_STUB])
def test_an_import_that_brings_nothing_is_a_warning_at_its_file(each: UnbundledImport) -> None:
    (found,) = findings(each, gathered=["model/model.py", "packages/other.py"])
    assert (found.rule, found.path, found.severity, found.is_fatal) == (
        "dropped-file",
        each.importer,
        Severity.WARNING,
        False,
    )
    assert f"`{each.module}`" in found.message and each.file in found.message


@pytest.mark.parametrize("each", [FOREIGN, STUB])
@pytest.mark.parametrize(
    "config",
    [
        "base_image: {image: me/x}",
        "build_commands: [git clone https://host/x]",
        "docker_server: {start_command: serve}",
    ],
)
def test_it_is_a_note_where_an_image_brings_code(each: UnbundledImport, config: str) -> None:
    (found,) = findings(each, config)
    assert found.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("requirement", "count"),
    [
        ("kit-a", 0),
        ("Kit_A[extra]>=1", 0),
        ("kit.a @ git+https://host/me/other.git", 0),
        ("git+https://host/me/kit-a.git@v1", 0),
        ("kit", 1),
        ("not a requirement ;;", 1),
        ("--extra-index-url https://host/kit-a", 1),
    ],
)
def test_a_requirement_of_that_name_answers_the_import(requirement: str, count: int) -> None:
    assert len(findings(FOREIGN, requirements=[requirement])) == count


@pytest.mark.parametrize(
    ("each", "config", "path"),
    [
        (STUB, "", "packages/fast/_core.cpython-311-x86_64-linux-gnu.so"),
        (STUB, "", "packages/fast/_core.so"),
        (STUB, "", "packages/fast/_core/__init__.py"),
        (STUB, "bundled_packages_dir: vendor", "vendor/fast/_core.py"),
        (OWN_STUB, "", "model/_core.abi3.so"),
        (FOREIGN, "", "packages/kit_a/core.py"),
        # The code may add the folder to the module path.
        (FOREIGN, "", "packages/vendored/kit_a/core.py"),
        (FOREIGN, "", "data/kit_a/core.py"),
    ],
)
def test_a_file_that_is_gathered_answers_the_import(
    each: UnbundledImport, config: str, path: str
) -> None:
    assert findings(each, config, gathered=[path]) == []


@pytest.mark.parametrize(
    "path",
    ["fast/_core.so", "packages/_core.so", "packages/fast/_core.pyi", "packages/fast/_core.c"],
)
def test_other_files_do_not(path: str) -> None:
    assert len(findings(STUB, gathered=[path])) == 1
