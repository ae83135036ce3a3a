from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pants_truss.core.lint import signature
from pants_truss.core.lint.python_scope import class_of, scope_of
from pants_truss.core.lint.signature import Parameter, annotation_kind, bound_parameters

# --- Parameters, as Python itself binds them.


def parameters_of(source: str) -> Optional[List[Parameter]]:
    found = class_of(scope_of(ast.parse(source)), "Model")
    assert found is not None
    function = found.function("f")
    assert function is not None
    return bound_parameters(function)


def parameters_of_python(source: str) -> Optional[List[inspect.Parameter]]:
    namespace: Dict[str, Any] = {}
    exec(source, namespace)
    try:
        return list(inspect.signature(namespace["Model"]().f).parameters.values())
    except ValueError:
        # There is no parameter for the object.
        return None


def method(parameters: str, decorator: str = "", keyword: str = "def") -> str:
    lines = f"{decorator}\n{keyword} f({parameters}):\n    pass"
    return "class Model:\n" + textwrap.indent(lines, "    ")


def assert_as_in_python(source: str) -> None:
    found, expected = parameters_of(source), parameters_of_python(source)
    if found is None or expected is None:
        assert found is expected is None, source
        return
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    assert [(p.name, p.is_required, p.is_positional_only, bool(p.annotation)) for p in found] == [
        (
            p.name,
            p.default is p.empty and p.kind not in variable,
            p.kind is p.POSITIONAL_ONLY,
            p.annotation is not p.empty,
        )
        for p in expected
    ]


DECORATORS = st.sampled_from(["", "", "@staticmethod", "@classmethod"])


@st.composite
def methods(draw: Any) -> str:
    names = iter("abcdefghijk")
    positional_only, positional = (draw(st.integers(0, 3)) for _ in range(2))
    defaults = draw(st.integers(0, positional_only + positional))

    def one(has_default: bool) -> str:
        annotation = draw(st.sampled_from(["", ": int", ": 'x'"]))
        return next(names) + annotation + (" = 1" if has_default else "")

    first = positional_only + positional - defaults
    parts = [one(index >= first) for index in range(positional_only + positional)]
    if positional_only:
        parts.insert(positional_only, "/")
    keywords = draw(st.lists(st.booleans(), max_size=2))
    if draw(st.booleans()):
        parts.append("*" + one(False))
    elif keywords:
        parts.append("*")
    parts += [one(has_default) for has_default in keywords]
    if draw(st.booleans()):
        parts.append("**" + one(False))
    keyword = draw(st.sampled_from(["def", "async def"]))
    return method(", ".join(parts), draw(DECORATORS), keyword)


@given(methods())
@settings(max_examples=500)
@example(method(""))
@example(method("*a"))
@example(method("**a"))
@example(method("*, a"))
@example(method("*a, b, c=1, **d"))
@example(method("a=1, /, b=2"))
@example(method("", "@staticmethod"))
@example(method("", "@classmethod"))
def test_parameters_are_those_that_python_gives(source: str) -> None:
    assert_as_in_python(source)


def test_the_request_keeps_its_annotation() -> None:
    (found,) = parameters_of(method("self, request: fastapi.Request")) or []
    assert found.annotation is not None
    assert ast.unparse(found.annotation) == "fastapi.Request"
    assert (found.name, found.is_required, found.is_positional_only) == ("request", True, False)


# --- What an annotation means to the server.


def kind_of(annotation: str, head: str = "") -> str:
    source = f"{head}\nclass Model:\n    def f(self, x{annotation}):\n        pass\n"
    scope = scope_of(ast.parse(source))
    found = class_of(scope, "Model")
    function = found.function("f") if found else None
    assert function is not None
    (parameter,) = bound_parameters(function) or []
    return annotation_kind(parameter, scope)


REQUEST = "from fastapi import Request"


@pytest.mark.parametrize(
    ("head", "annotation"),
    [
        (REQUEST, "Request"),
        ("from fastapi import Body, Request, Response", "Request"),
        ("from fastapi import Request as R", "R"),
        ("from fastapi.requests import Request", "Request"),
        ("from starlette.requests import Request", "Request"),
        ("from starlette import requests", "requests.Request"),
        ("from fastapi import requests as r", "r.Request"),
        ("import fastapi", "fastapi.Request"),
        ("import os, fastapi as f", "f.Request"),
        ("import fastapi.requests", "fastapi.requests.Request"),
        ("import starlette.requests as r", "r.Request"),
        ("if True:\n    " + REQUEST, "Request"),
    ],
)
def test_the_request(head: str, annotation: str) -> None:
    assert kind_of(f": {annotation}", head) == signature.REQUEST
    # As text it is not a class.
    assert kind_of(f": '{annotation}'", head) == signature.TEXT
    future = "from __future__ import annotations\n"
    assert kind_of(f": {annotation}", future + head) == signature.TEXT
    # Nor is it one as a part of a type.
    for part in (f"Optional[{annotation}]", f"{annotation} | None", f"{annotation}[int]"):
        assert kind_of(f": {part}", head) == signature.OTHER


@pytest.mark.parametrize("head", ["", REQUEST, "from __future__ import annotations"])
def test_no_annotation(head: str) -> None:
    assert kind_of("", head) == kind_of("=1", head) == signature.NONE


@pytest.mark.parametrize(
    ("head", "annotation"),
    [
        ("", "None"),
        ("", "..."),
        ("", "5"),
        ("", "dict"),
        ("", "str"),
        ("", "bytes"),
        ("", "list[int]"),
        ("from typing import Any", "Any"),
        ("import typing as t", "t.Any"),
        ("import numpy as np", "np.ndarray"),
        ("import numpy as fastapi, fastapi as f", "fastapi.Request"),
        ("import torch.nn", "torch.nn.Module"),
        ("from torch import nn", "nn.Module"),
        ("from pydantic import BaseModel as Request", "Request"),
        ("import collections", "collections.OrderedDict"),
        ("import builtins", "builtins.dict"),
    ],
)
def test_what_cannot_be_the_request(head: str, annotation: str) -> None:
    assert kind_of(f": {annotation}", head) == signature.OTHER


@pytest.mark.parametrize(
    ("head", "annotation"),
    [
        # Not imported, or not from where the name says.
        ("", "Request"),
        ("", "fastapi.Request"),
        ("from requests import Request", "Request"),
        ("from starlette import Request", "Request"),
        ("from .fastapi import Request", "Request"),
        ("from . import fastapi", "fastapi.Request"),
        ("from fastapi import *", "Request"),
        ("from fastapi import Response", "Response"),
        ("from fastapi import Request", "Request.x"),
        ("from fastapix import Request", "Request"),
        ("import fastapi as f", "fastapi.Request"),
        ("import fastapi.requests as fastapi", "fastapi.Requests"),
        # A class of the module itself, which may be one of the request's.
        ("class Body: pass", "Body"),
        ("class Request: pass", "Request"),
        # Bound more than once.
        (REQUEST + "\nRequest = object", "Request"),
        (f"try:\n    {REQUEST}\nexcept ImportError:\n    Request = None", "Request"),
        # Names of builtins that mean something else here.
        ("from shapes import dict", "dict"),
        ("from numpyx import ndarray", "ndarray"),
        # Only running it would tell.
        (REQUEST, "type(Request)"),
        (REQUEST, "lambda: Request"),
        (REQUEST, "(Request, Request)"),
        (REQUEST, "f().Request"),
    ],
)
def test_what_is_uncertain(head: str, annotation: str) -> None:
    assert kind_of(f": {annotation}", head) == signature.UNKNOWN
