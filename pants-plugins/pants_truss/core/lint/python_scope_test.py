from __future__ import annotations

import ast
from textwrap import indent
from typing import Any, Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.python_scope import Scope, scope_of


def read(source: str) -> Scope:
    return scope_of(ast.parse(source))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = 1", "a b"),
        ("(a, [b, *c]), d.e, f[0] = x", "a b c"),
        ("a += 1", "a"),
        ("a: int = 1", "a"),
        ("a: int", ""),
        ("del a", ""),
        ("print(a.b, c)", ""),
        ("import a, b.c, d.e as f", "a b f"),
        ("from . import a, b as c", "a c"),
        ("def a(b=1):\n    c = 1", "a"),
        ("async def a():\n    b = 1", "a"),
        ("class a(b):\n    c = 1\n    class d: pass", "a"),
        ("if x:\n    a = 1\nelif y:\n    b = 1\nelse:\n    import c", "a b c"),
        ("for a, b in x:\n    c = 1\nelse:\n    d = 1", "a b c d"),
        ("while (a := f(b=1)):\n    c = 1\nelse:\n    d = 1", "a c d"),
        ("with f() as a, g() as (b, c):\n    d = 1", "a b c d"),
        ("try:\n    a = 1\nexcept E:\n    b = 1\nelse:\n    c = 1\nfinally:\n    d = 1", "a b c d"),
        ("print(a := f(b=1))", "a"),
        ("a = lambda: (b := 1)", "a"),
        ("def a():\n    global b, c\n    def d():\n        global e", "a b c e"),
    ],
)
def test_the_names_that_a_statement_binds(source: str, names: str) -> None:
    scope = read(source)
    assert sorted(scope.bindings) == names.split()
    assert not scope.is_open


@pytest.mark.parametrize(
    "source",
    [
        "from x import *",
        "try:\n    from x import *\nexcept ImportError:\n    pass",
        "exec('Model = 1')",
        "class A:\n    x = eval('1')",
        "def f():\n    globals()['Model'] = 1",
        "for name in x:\n    vars()[name] = 1",
        "locals().update(x)",
        "setattr(sys.modules[__name__], 'Model', 1)",
        "def __getattr__(name):\n    return 1",
    ],
)
def test_a_module_that_may_have_any_name(source: str) -> None:
    assert read(source).may_have("Model")


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def f(x):\n    setattr(x, 'Model', 1)",
        "def f(x):\n    vars(x)['Model'] = locals()",
        "class A:\n    def __getattr__(self, name):\n        return 1",
        "x.exec('Model = 1')",
        "def f():\n    Model = 1",
    ],
)
def test_a_module_that_has_no_other_name(source: str) -> None:
    assert not read(source).may_have("Model")


def test_only_the_future_makes_annotations_text() -> None:
    assert read("from __future__ import division, annotations").has_text_annotations
    for source in ("from __future__ import division", "from a import annotations"):
        assert not read(source).has_text_annotations


def test_classes_are_those_of_the_module() -> None:
    source = (
        "class B:\n    class C: pass\nif x:\n    class A(B): pass\ndef D():\n    class E: pass\n"
    )
    assert read(source).classes == ["B", "A"]


def test_a_name_that_two_statements_bind_means_neither() -> None:
    scope = read("import a\nif x:\n    b = 1\nelse:\n    b = 2\n")
    assert isinstance(scope.only("a"), ast.Import)
    assert scope.only("b") is None and scope.only("c") is None


def test_attributes_that_the_module_sets() -> None:
    source = (
        "Model.a = 1\nModel.b: int = 1\nModel.c.d = 1\nprint(Model.e)\ndel Model.f\n"
        "for Model.g in x:\n    pass\ndef f():\n    Model.h += 1\n    other.i = 1\n"
    )
    assert read(source).attributes == {"Model": {"a", "b", "g", "h"}, "other": {"i"}}


def test_names_that_the_module_passes_to_a_call() -> None:
    assert read("f(a, 1, b.c)\ndef g():\n    x.h(i(d))\n").passed == {"a", "d"}


# Each can be run, in any order.
STATEMENTS = st.sampled_from(
    [
        "a = 1",
        "b: int = 1",
        "c: int",
        "(a, *b) = 1, 2",
        "import os.path",
        "import os.path as c",
        "from os import path as d",
        "for e in [1]:\n    f = e",
        "while (g := 0):\n    pass",
        "with memoryview(b'') as h:\n    pass",
        "try:\n    1 / 0\nexcept ZeroDivisionError as i:\n    j = 1\nfinally:\n    k = 1",
        "if 1:\n    class l:\n        m = 1",
        "async def n(o=1):\n    p = 1",
        "def q():\n    global r\n    r = 1\nq()",
        "s = [t for t in [1]]",
        "u = [v := 1 for _ in [1]]",
        "w = lambda: (x := 1)",
        "from os.path import *",
        "exec('y = 1')",
        "def z():\n    globals()['x'] = 1\nz()",
    ]
)


@given(st.lists(STATEMENTS, max_size=6))
@settings(max_examples=300)
def test_a_module_has_no_name_that_its_scope_lacks(statements: List[str]) -> None:
    source = "\n".join(statements)
    namespace: Dict[str, Any] = {}
    exec(source, namespace)
    scope = read(source)
    # What Python itself adds, which depends on its release.
    names = [name for name in namespace if not (name.startswith("__") and name.endswith("__"))]
    assert [name for name in names if not scope.may_have(name)] == []


@given(
    st.lists(STATEMENTS, min_size=1, max_size=4),
    st.sampled_from(["if x:", "try:", "with x:", "for x[0] in y:", "while x:"]),
)
def test_depth_changes_nothing(statements: List[str], head: str) -> None:
    body = "\n".join(statements)
    tail = "\nfinally:\n    pass" if head == "try:" else ""
    flat, deep = read(body), read(f"{head}\n{indent(body, '    ')}{tail}")
    assert flat.bindings.keys() == deep.bindings.keys()
    assert (flat.is_open, flat.classes) == (deep.is_open, deep.classes)
