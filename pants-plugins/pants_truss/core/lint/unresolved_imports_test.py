from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from pants_truss.core.lint.unresolved_imports import PythonFile, check_imports

FOLDERS = {"model": "", "": "packages"}


def missing(source: str, *others: str, provided: Tuple[str, ...] = (), **inits: str) -> List[str]:
    """The messages' modules, of a model with the source. `others` are paths of other files;
    `inits` are contents of `__init__.py` files, by the package."""
    model = PythonFile("model/model.py", "t/model/model.py", source.encode())
    contents: Dict[str, str] = {
        f"packages/{name}/__init__.py": text for name, text in inits.items()
    }
    files = [model, *(PythonFile(p, p, text.encode()) for p, text in contents.items())]
    paths = ["config.yaml", model.path, *others, *contents]
    found = check_imports(files, paths, FOLDERS, provided)
    assert all(finding.rule == "unresolved-import" for finding in found)
    return [
        finding.message.split("`")[1] for finding in check_imports(files, paths, FOLDERS, provided)
    ]


KIT = "packages/kit/w.py"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import kit.w\nimport kit.z\n", ["kit.z"]),
        ("from kit.z import x\n", ["kit.z"]),
        ("from kit.w import x\n", []),
        ("from kit import w\nfrom kit import z\n", ["kit.z"]),
        ("from kit import *\n", []),
        ("import kit.z.deep.er\n", ["kit.z"]),
        ("def f():\n    import kit.z\n", ["kit.z"]),
        ("from model.helper import x\n", ["model.helper"]),
        ("from .helper import x\n", [".helper"]),
        ("from . import model\n", []),
        ("from . import helper\n", [".helper"]),
        # Something else may have these.
        ("import numpy.linalg\n", []),
        ("import kit.w.inside\n", []),
        ("try:\n    import kit.z\nexcept ImportError:\n    pass\n", []),
        ("if TYPE_CHECKING:\n    import kit.z\n", []),
        ("with suppress(ImportError):\n    import kit.z\n", []),
        ("x = 'import kit.z'\n", []),
        ("import kit.z as\n", []),
    ],
)
def test_modules_that_the_truss_lacks(source: str, expected: List[str]) -> None:
    assert missing(source, KIT) == expected


@pytest.mark.parametrize(
    "path",
    ["kit/z.py", "kit/z/__init__.py", "kit/z/deep.py", "kit/z.cpython-311-linux.so", "kit/z.pyc"],
)
def test_modules_of_every_kind(path: str) -> None:
    assert missing("import kit.z\n", KIT, f"packages/{path}") == []


@pytest.mark.parametrize("suffix", ["so", "cpython-311-x86_64-linux-gnu.so", "pyc"])
def test_a_package_that_is_a_native_module_may_have_any_name(suffix: str) -> None:
    native = f"packages/kit/z/__init__.{suffix}"
    assert missing("from kit.z import add\nimport kit.z.deep\n", KIT, native) == []


@pytest.mark.parametrize("module", ["kit.z", "other.kit.z"])
def test_an_import_that_another_rule_reports(module: str) -> None:
    model = PythonFile("model/model.py", "t/model/model.py", b"import kit.z\n")
    reported = [("t/model/model.py", module)]
    assert not [*check_imports([model], [model.path, KIT], FOLDERS, (), reported)]
    elsewhere = [("t/other.py", module), ("t/model/model.py", "kit.zz")]
    assert [*check_imports([model], [model.path, KIT], FOLDERS, (), elsewhere)]


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("", ["kit.z", "kit.y"]),
        ("z = 1\n", ["kit.y"]),
        ("__path__ = extend_path(__path__, __name__)\n", []),
        ("def __getattr__(name): ...\n", []),
        ("import sys\nsys.modules['kit.y'] = x\n", []),
    ],
)
def test_a_package_may_have_more_than_its_files(init: str, expected: List[str]) -> None:
    assert missing("from kit import z\nimport kit.y\n", KIT, kit=init) == expected


def test_a_requirement_may_share_the_name() -> None:
    assert missing("import kit.z\n", KIT, provided=("kit",)) == []


def test_a_package_that_is_not_bundled_is_unknown() -> None:
    assert missing("import kit.z\n") == []
    assert missing("import kit.z\n", "packages/kit.py") == []


def test_the_place_is_that_in_the_repository() -> None:
    file = PythonFile("packages/kit/w.py", "src/kit/w.py", b"\nimport kit.z\n")
    (found,) = check_imports([file], [file.path], FOLDERS, ())
    assert found.place == "src/kit/w.py:2"
