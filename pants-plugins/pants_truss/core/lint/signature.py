"""Parameters of a method, as `inspect.signature` of the bound method would give them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import List, Optional

from pants_truss.core.lint.python_scope import Function, Scope, base_name, decorator_name

# Kinds of annotations.
NONE = "none"
REQUEST = "request"
TEXT = "text"
OTHER = "other"
UNKNOWN = "unknown"

_REQUEST_MODULES = ("fastapi", "fastapi.requests", "starlette.requests")
_NO_REQUEST_MODULES = ("typing", "numpy", "torch", "pydantic", "collections", "builtins")
_BUILTINS = ("dict", "list", "str", "bytes", "int", "float", "bool", "object", "tuple", "set")


@dataclass(frozen=True)
class Parameter:
    name: str
    annotation: Optional[ast.AST]
    is_required: bool
    is_positional_only: bool


def bound_parameters(function: Function) -> Optional[List[Parameter]]:
    """Without `self`. None if there is none to leave out, so that the method cannot be called."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    parameters = [
        Parameter(
            argument.arg,
            argument.annotation,
            index < first_default,
            index < len(arguments.posonlyargs),
        )
        for index, argument in enumerate(positional)
    ]
    if decorator_name(function) != "staticmethod":
        if parameters:
            parameters = parameters[1:]
        elif arguments.vararg is None:
            return None
    if arguments.vararg:
        parameters.append(
            Parameter(arguments.vararg.arg, arguments.vararg.annotation, False, False)
        )
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        parameters.append(Parameter(argument.arg, argument.annotation, default is None, False))
    if arguments.kwarg:
        parameters.append(Parameter(arguments.kwarg.arg, arguments.kwarg.annotation, False, False))
    return parameters


def annotation_kind(parameter: Parameter, scope: Scope) -> str:
    """Decides whether the server would take the parameter for the request. The server looks at the
    class itself, so an annotation as text is never a request."""
    node = parameter.annotation
    if node is None:
        return NONE
    if scope.has_text_annotations:
        return TEXT
    if isinstance(node, ast.Constant):
        return TEXT if isinstance(node.value, str) else OTHER
    if isinstance(node, (ast.Subscript, ast.BinOp)):
        # `Optional[Request]` is not a class.
        return OTHER
    name = base_name(node)
    if name is None:
        return UNKNOWN
    if name in _BUILTINS and name not in scope.bindings:
        return OTHER
    return _imported_kind(name, scope)


def _imported_kind(name: str, scope: Scope) -> str:
    first, _, rest = name.partition(".")
    statement = scope.only(first)
    origin = None
    if isinstance(statement, ast.ImportFrom) and not statement.level:
        for alias in statement.names:
            if (alias.asname or alias.name) == first:
                origin = ".".join(p for p in (statement.module, alias.name, rest) if p)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            if alias.asname == first:
                origin = f"{alias.name}.{rest}"
            elif alias.asname is None and alias.name.partition(".")[0] == first:
                origin = name
    if origin is None:
        return UNKNOWN
    module, _, attribute = origin.rpartition(".")
    if attribute == "Request" and module in _REQUEST_MODULES:
        return REQUEST
    return OTHER if module.partition(".")[0] in _NO_REQUEST_MODULES else UNKNOWN
