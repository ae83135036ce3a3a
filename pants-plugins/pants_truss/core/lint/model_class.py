"""Checks the model class as the model server would, by reading its source and never importing it.

The server's demands on it are in `truss/templates/server/model_wrapper.py` of Truss 0.18.35:
`ModelDescriptor.from_model`, `ArgConfig.from_method` and `_prepare_init_args`. Only certain
problems are reported: all that a base class, decorator or star import may add is assumed to be
there.
"""

from __future__ import annotations

import ast
import difflib
import re
import sys
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.python_scope import Class, Function, Scope, class_of, scope_of
from pants_truss.core.lint.signature import (
    REQUEST,
    UNKNOWN,
    Parameter,
    annotation_kind,
    bound_parameters,
)
from pants_truss.core.python_syntax import parse

# What the server passes to `__init__`, by keyword, if it takes it.
INIT_ARGUMENTS = ("config", "data_dir", "secrets", "lazy_data_resolver", "environment")

ENDPOINTS = (
    "predict",
    "preprocess",
    "postprocess",
    "chat_completions",
    "completions",
    "embeddings",
    "messages",
    "responses",
    "websocket",
    "is_healthy",
    "setup_environment",
)


@dataclass(frozen=True)
class ModelFile:
    """`path` is relative to the build root; `python` is the truss's, such as (3, 11);
    `extra_arguments` are further ones that the server passes to `__init__`."""

    path: str
    content: bytes
    class_name: str
    python: Tuple[int, int]
    extra_arguments: Tuple[str, ...] = ()


# A message, and the line that it is about.
_Problem = Tuple[str, Optional[int]]


# What Python 3.10 and later have that 3.9 may not parse: `match`, `except*`, `type`, brackets after
# `with`, type parameters, whatever an f-string holds, `x[*a]`, `*args: *Ts`, `x[i := 0]`,
# `{i := 0}`, and `except A, B` without brackets.
_NEWER_SYNTAX = re.compile(
    rb"^[ \t\f]*(match|case|type)\b|\bexcept\s*\*|\bwith\s*\("
    rb"|\b(def|class)\s+\w+\s*\[|\b[rRfFtT]{1,2}[\"']"
    rb"|[\[,]\s*\*\s*[\w(]|:\s*\*\s*\w|[\[{,]\s*\w+\s*:=|\bexcept\s+[\w.]+\s*,",
    re.MULTILINE,
)


def check_model_class(model: ModelFile) -> List[Finding]:
    try:
        problems = _problems(model)
    except RecursionError:
        # Nesting that this Python cannot take; the truss's own may.
        return []
    return [
        Finding("model-class", model.path, message, line=line or None) for message, line in problems
    ]


def _problems(model: ModelFile) -> List[_Problem]:
    try:
        tree = parse(model.content)
    except SyntaxError as e:
        # A newer Python knows more letters too.
        is_newer = _NEWER_SYNTAX.search(model.content) or "character" in str(e.msg)
        if sys.version_info[:2] < model.python and is_newer:
            # The Python that runs Pants may not know it.
            return []
        return [(f"it cannot be parsed as Python: {e.msg}.", e.lineno or 1)]
    except ValueError as e:
        return [(f"it cannot be parsed as Python: {e}.", 1)]
    return list(_check(model, tree))


def _check(model: ModelFile, tree: ast.Module) -> Iterator[_Problem]:
    scope = scope_of(tree)
    if not scope.may_have(model.class_name):
        yield _missing_class(model, scope)
        return
    found = class_of(scope, model.class_name)
    if found is None:
        return
    yield from _check_methods(model, found)
    yield from _check_signatures(model, scope, found)
    yield from _check_init(model, found)
    yield from _check_load(model, found)


def _missing_class(model: ModelFile, scope: Scope) -> _Problem:
    start = f"it has no class `{model.class_name}`, which the server loads."
    classes = sorted(scope.classes)
    near = difflib.get_close_matches(model.class_name, classes, 1, 0.4) or classes[:1]
    if not near:
        return f"{start} Write `class {model.class_name}:` with a method `predict`.", None
    node = scope.only(near[0])
    return (
        f"{start} It has `{near[0]}`: rename it to `{model.class_name}`, or write "
        f"`model_class_name: {near[0]}` in the config.",
        node.lineno if isinstance(node, ast.ClassDef) else None,
    )


def _check_methods(model: ModelFile, found: Class) -> Iterator[_Problem]:
    name = f"the class `{model.class_name}`"
    websocket, predict = found.has("websocket"), found.has("predict")
    if websocket is False and predict is False:
        others = [m for m in ("chat_completions", "completions", "embeddings") if found.has(m)]
        near = difflib.get_close_matches("predict", found.own_names, 1, 0.75)
        hint = f" `{others[0]}` alone is not enough." if others else ""
        hint += f" Is `{near[0]}` meant to be it?" if near else ""
        yield (
            f"{name} has no method `predict`, and no `websocket`: the server refuses it.{hint}",
            found.line,
        )
    elif websocket is True:
        rivals = [m for m in ("predict", "preprocess", "postprocess") if found.has(m) is True]
        if rivals:
            yield (
                f"{name} has `websocket` and `{rivals[0]}`, which exclude each other.",
                found.line,
            )


def _check_signatures(model: ModelFile, scope: Scope, found: Class) -> Iterator[_Problem]:
    kinds = {}
    for name in ENDPOINTS:
        function = found.function(name)
        if function is None:
            continue
        described = f"`{name}` of `{model.class_name}`"
        parameters = bound_parameters(function)
        if parameters is None:
            yield f"{described} takes no `self`: the server cannot call it.", function.lineno
            continue
        annotations = [annotation_kind(p, scope) for p in parameters]
        kinds[name] = annotations
        problem = _problem_of(name, function, parameters, annotations)
        if problem:
            yield f"{described} {problem}", function.lineno
    function = found.function("predict")
    if function and kinds.get("predict") == [REQUEST] and found.has("preprocess") is True:
        yield (
            f"`predict` of `{model.class_name}` takes only the request, so the "
            f"result of `preprocess` would be lost; the server refuses that. Add a parameter for "
            f"it.",
            function.lineno,
        )
    function = found.function("postprocess")
    if function and kinds.get("postprocess") == [REQUEST] and found.has("predict") is True:
        yield (
            f"`postprocess` of `{model.class_name}` takes only the request, so the "
            f"result of `predict` would be lost; the server refuses that. Add a parameter for it.",
            function.lineno,
        )


def _problem_of(
    name: str, function: Function, parameters: List[Parameter], annotations: List[str]
) -> Optional[str]:
    count = len(parameters)
    listed = ", ".join(parameter.name for parameter in parameters)
    if count > 2:
        return (
            f"takes {count} arguments ({listed}). The server passes at most two: the inputs, and "
            f"the request."
        )
    if count == 2 and annotations[0] == REQUEST:
        return "takes the request first. The server passes the inputs first, the request second."
    if count == 2 and annotations[1] not in (REQUEST, UNKNOWN):
        return (
            f"takes {listed}: of two arguments the second must be the request, annotated as "
            f"`fastapi.Request`"
            + (
                ". An annotation as text does not count, so remove `from __future__ import "
                "annotations`."
                if annotations[1] == "text"
                else "."
            )
        )
    if name == "is_healthy" and count:
        return f"takes {listed}, but the server passes no argument."
    if name == "websocket":
        if count != 1 or annotations[0] == REQUEST:
            return f"takes {listed or 'no argument'}, but must take one: the websocket."
        if not isinstance(function, ast.AsyncFunctionDef) or _is_generator(function):
            return "must be a coroutine: write `async def websocket`, without `yield`."
    return None


def _is_generator(function: Function) -> bool:
    pending: List[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(node)
    return False


def _check_init(model: ModelFile, found: Class) -> Iterator[_Problem]:
    function = found.function("__init__")
    if function is None or found.has("__new__") is not False or found.has_metaclass:
        return
    parameters = bound_parameters(function)
    if parameters is None or isinstance(function, ast.AsyncFunctionDef):
        why = "takes no `self`" if parameters is None else "is `async`"
        yield (
            f"`__init__` of `{model.class_name}` {why}: the server cannot call it.",
            function.lineno,
        )
        return
    passed = {*INIT_ARGUMENTS, *model.extra_arguments}
    for parameter in parameters:
        is_passed = parameter.name in passed
        if parameter.is_positional_only and is_passed and not function.args.kwarg:
            yield (
                f"`__init__` of `{model.class_name}` takes `{parameter.name}` by position alone, "
                f"and the server passes it by keyword. Remove the `/`.",
                function.lineno,
            )
        elif parameter.is_required and (parameter.is_positional_only or not is_passed):
            yield (
                f"`__init__` of `{model.class_name}` requires `{parameter.name}`, "
                f"which the server does not pass. It passes, by keyword, those that are there of: "
                f"{', '.join(sorted(passed))}.",
                function.lineno,
            )
    for name in model.extra_arguments:
        # `truss/trt_llm/validation.py`.
        if name not in [parameter.name for parameter in parameters]:
            yield (
                f"`__init__` of `{model.class_name}` has no argument `{name}`, "
                f"which Truss requires of a model with `{name}` in its config.",
                function.lineno,
            )


def _check_load(model: ModelFile, found: Class) -> Iterator[_Problem]:
    function = found.function("load")
    if function is None:
        return
    described = f"`load` of `{model.class_name}`"
    parameters = bound_parameters(function)
    required = [parameter.name for parameter in parameters or () if parameter.is_required]
    if parameters is None or required:
        given = ", ".join(required) or "no `self`"
        yield f"{described} takes {given}, but the server calls it without.", function.lineno
    elif isinstance(function, ast.AsyncFunctionDef):
        yield (
            f"{described} is `async`: the server does not await it, so nothing is loaded. Remove "
            f"`async`.",
            function.lineno,
        )
