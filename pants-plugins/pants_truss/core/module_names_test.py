from __future__ import annotations

import ast
from typing import List, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.module_names import imported_packages, module_name, module_stem


@pytest.mark.parametrize(
    ("path", "name", "stem"),
    [
        ("textkit/clean.py", "textkit.clean", "textkit/clean"),
        ("textkit/clean.pyi", "textkit.clean", "textkit/clean"),
        ("textkit/clean.abi3.so", "textkit.clean", "textkit/clean"),
        ("a/_c.cpython-311-x86_64-linux-gnu.so", "a._c", "a/_c"),
        ("textkit/__init__.py", "textkit", "textkit"),
        ("textkit/__init__.abi3.so", "textkit", "textkit"),
        ("textkit/__main__.py", "textkit.__main__", "textkit/__main__"),
        ("clean.py", "clean", "clean"),
        ("__init__.py", "", ""),
    ],
)
def test_the_name_of_a_module(path: str, name: str, stem: str) -> None:
    assert (module_name(path), module_stem(path)) == (name, stem)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a", {"a"}),
        ("import a.b as c, d,e . f", {"a.b", "d", "e"}),
        ("import a, \\\n  b", {"a", "b"}),
        ("  from a.b import c", {"a.b"}),
        ("from a import (\n  b,\n)", {"a"}),
        ("try: import a\nexcept ImportError: pass; from b import c", {"a", "b"}),
        ("from . import x", {"p.q"}),
        ("from .x import y", {"p.q.x"}),
        ("from .. import x", {"p"}),
        ("from ...r import x", {"r"}),
        ("from ....r import x", set()),
        ("important = 1\nfrom_a = 2\nx = 'import a'\n# import b", set()),
        ("from a import b\r\nimport c\r\n", {"a", "c"}),
        ("match x:\n    case 1:\n        import a\nx = f'{'y'}'", {"a"}),
        ("", set()),
    ],
)
def test_the_packages_that_a_text_imports(text: str, names: Set[str]) -> None:
    assert imported_packages(text, "p/q/m.py") == names


NAMES = st.lists(st.sampled_from(["a", "imports", "from_x", "é"]), min_size=1, max_size=3)
DOTTED = NAMES.map(".".join)
STATEMENTS = st.one_of(
    st.lists(st.tuples(DOTTED, st.sampled_from(["", " as z"])), min_size=1, max_size=3).map(
        lambda names: "import " + ", ".join(name + alias for name, alias in names)
    ),
    DOTTED.map(lambda name: f"from {name} import x, y as z"),
    st.just("x = 1"),
    st.just("def f(): import lazy"),
)


@given(st.lists(STATEMENTS, max_size=6))
def test_it_finds_what_the_parser_of_python_finds(statements: List[str]) -> None:
    text = "\n".join(statements)
    expected: Set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            expected |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            expected.add(node.module or "")
    assert imported_packages(text, "m.py") == expected
