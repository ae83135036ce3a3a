from __future__ import annotations

import ast
from textwrap import indent
from typing import Any, Dict, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.python_scope import (
    Class,
    base_name,
    class_of,
    decorator_name,
    is_plain,
    scope_of,
)


def find(source: str) -> Optional[Class]:
    return class_of(scope_of(ast.parse(source)), "Model")


def model(source: str) -> Class:
    found = find(source)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def Model(): pass",
        "Model = make()",
        "from a import Model",
        "@register\nclass Model: pass",
        "class Model: pass\nModel = wrap(Model)",
        "if x:\n    class Model: pass\nelse:\n    class Model: pass",
        "class Model: pass\ndef f():\n    global Model",
    ],
)
def test_a_name_that_means_no_certain_class(source: str) -> None:
    assert find(source) is None


def test_a_class_and_where_it_is() -> None:
    found = model("class A:\n    x = 1\nif y:\n    class Model(A):\n        def f(self): pass\n")
    assert (found.line, found.own_names) == (4, ["f"])
    assert len(found.scopes) == 2


F = "    def f(self): pass\n"
A = "class A:\n" + F


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class Model:\n" + F, True),
        ("class Model:\n    if x:\n        f = 1\n", True),
        ("class Model:\n    def g(self):\n        self.f = 1\n", True),
        ("class Model:\n    pass\nModel.f = 1\n", True),
        (A + "class Model(A):\n    pass\n", True),
        (A + "class B(A): pass\nclass Model(B): pass\n", True),
        (A + "class Model(abc.ABC, A, Generic[T]):\n    pass\n", True),
        ("class Model:\n    f: int\n", False),
        ("class Model:\n    def g(self):\n        f = self.f\n", False),
        ("class Model(object, abc.ABC, typing.Generic[T], Protocol):\n    pass\n", False),
        ("class A: pass\nclass Model(A): pass\n", False),
        # A class inside has methods of its own.
        ("class Model:\n    class A:\n    " + F, False),
        ("class Model(imported): pass\n", None),
        ("class Model(make()): pass\n", None),
        ("class Model(a.b): pass\n", None),
        ("@fix\nclass A: pass\nclass Model(A): pass\n", None),
        ("class A: pass\nclass B: pass\nclass Model(A, B): pass\n", None),
        ("class A(imported): pass\nclass Model(A): pass\n", None),
        ("class Model(metaclass=Meta): pass\n", None),
        ("class A(metaclass=Meta): pass\nclass Model(A): pass\n", None),
        ("class Model: pass\nregister(Model)\n", None),
        ("class Model:\n    def __init__(self):\n        register(self)\n", None),
        ("class Model:\n    def __init__(self):\n        setattr(self, 'f', 1)\n", None),
        ("class Model:\n    def __init__(self):\n        self.__dict__['f'] = 1\n", None),
        ("class Model:\n    def __init__(self):\n        self.__class__.__bases__ = (A,)\n", None),
        ("class Model:\n    def __getattr__(self, name): pass\n", None),
        ("class Model:\n    def __new__(cls): pass\n", None),
        ("class Model:\n    exec(x)\n", None),
        ("class Model:\n    from x import *\n", None),
    ],
)
def test_whether_a_class_has_a_method(source: str, expected: Optional[bool]) -> None:
    assert model(source).has("f") is expected


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("class Model:\n" + F, 2),
        ("class Model:\n    async def f(self): pass\n", 2),
        ("class Model:\n    @staticmethod\n    def f(): pass\n", 3),
        (A + "class Model(A): pass\n", 2),
        (A + "class Model(A):\n" + F, 4),
        # Definitions further up the lookup order do not matter.
        ("class Model(imported):\n" + F, 2),
        ("class A(imported):\n" + F + "class Model(A): pass\n", 2),
        ("class Model:\n    f = 1\n", None),
        ("class Model:\n" + F + F, None),
        ("class Model:\n    @cached\n" + F, None),
        ("class Model:\n    @cached\n    @staticmethod\n" + F, None),
        ("class Model:\n" + F + "Model.f = 1\n", None),
        ("class Model:\n" + F + "    def g(self):\n        self.f = 1\n", None),
        (A + "class Model(A):\n    f = 1\n", None),
        # A nearer definition might hide it.
        (A + "class Model(A):\n    exec(x)\n", None),
        (A + "class Model(imported, A): pass\n", None),
        ("class Model: pass\n", None),
    ],
)
def test_the_method_that_a_name_means(source: str, line: Optional[int]) -> None:
    function = model(source).function("f")
    assert (function and function.lineno) == line


@pytest.mark.parametrize(
    ("decorators", "name", "plain"),
    [
        ("", "", True),
        ("@staticmethod", "staticmethod", True),
        ("@classmethod", "classmethod", True),
        ("@property", "property", False),
        ("@a.b.c", "a.b.c", False),
        ("@a[b]", "a", False),
        ("@a(1)", None, False),
        ("@a(1).b", None, False),
        ("@staticmethod\n@classmethod", None, False),
    ],
)
def test_decorators(decorators: str, name: Optional[str], plain: bool) -> None:
    function = ast.parse(f"{decorators}\ndef f(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (decorator_name(function), is_plain(function)) == (name, plain)


@pytest.mark.parametrize(
    ("text", "name"),
    [("a", "a"), ("a.b.c", "a.b.c"), ("a.b[c.d]", "a.b"), ("a().b", None), ("1", None)],
)
def test_names_of_bases(text: str, name: Optional[str]) -> None:
    assert base_name(ast.parse(text, mode="eval").body) == name


BODIES = st.lists(
    st.sampled_from(
        [
            "pass",
            "def f(self, x): pass",
            "async def f(self): pass",
            "@staticmethod\ndef f(): pass",
            "f = 1",
            "f: int",
            "if 1:\n    def g(self): pass",
            "for g in [1]: pass",
            "import os as g",
            "def __init__(self): self.g = 1",
            "def __init__(self): self.f, self.h = 1, 2",
            "def __init__(self): setattr(self, 'f', 1)",
            "def __init__(self): self.__dict__['g'] = 1",
            "def __init__(self): vars(self)['h'] = 1",
            "def __init__(self): give(self)",
            "def __getattr__(self, name): return 1",
            "def __init_subclass__(cls): cls.h = 1",
            "exec('f = 1')",
            "locals()['g'] = 1",
        ]
    ),
    min_size=1,
    max_size=3,
).map(lambda pieces: indent("\n".join(pieces), "    "))
BASES = st.sampled_from(["", "(A)", "(object)", "(A, object)", "(A, B)", "(metaclass=Meta)"])
AFTER = st.sampled_from(["", "Model.f = 1", "setattr(Model, 'g', 1)", "give(Model)"])
HELPERS = """\
def give(model):
    model.h = 1
class Meta(type):
    def __new__(cls, name, bases, body):
        return super().__new__(cls, name, bases, {**body, "g": 1})
class B:
    f = 1
"""


@given(BODIES, BASES, BODIES, AFTER)
@settings(max_examples=500)
def test_what_is_certain_of_a_class_is_so(above: str, bases: str, body: str, after: str) -> None:
    source = f"{HELPERS}class A:\n{above}\nclass Model{bases}:\n{body}\n{after}\n"
    namespace: Dict[str, Any] = {}
    exec(source, namespace)
    real = namespace["Model"]()
    found = model(source)
    for name in ("f", "g", "h"):
        assert not (found.has(name) is False and hasattr(real, name))
        function = found.function(name)
        if function and not found.is_open:
            method = getattr(real, name)
            line = getattr(method, "__func__", method).__code__.co_firstlineno
            assert line == min([function.lineno, *(d.lineno for d in function.decorator_list)])
