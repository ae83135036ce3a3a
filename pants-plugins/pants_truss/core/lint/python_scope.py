"""The names that a module and a class bind, if their source shows them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Set, Union

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


@dataclass
class Scope:
    """`bindings` has the statements that bind each name, at any depth of `if`, `try` and the like;
    `is_open` means that more names may be there, by `from x import *` for example. In a
    module, `attributes` are those that it sets on a name, and `passed` are names that it passes to
    a call or gives another name.
    """

    bindings: Dict[str, List[ast.AST]] = field(default_factory=dict)
    is_open: bool = False
    has_text_annotations: bool = False
    attributes: Dict[str, Set[str]] = field(default_factory=dict)
    passed: Set[str] = field(default_factory=set)

    def may_have(self, name: str) -> bool:
        return self.is_open or name in self.bindings

    @property
    def classes(self) -> List[str]:
        return [
            name
            for name, nodes in self.bindings.items()
            if any(isinstance(node, ast.ClassDef) for node in nodes)
        ]

    def only(self, name: str) -> Optional[ast.AST]:
        """The statement that binds a name, if no other does."""
        nodes = self.bindings.get(name, [])
        return nodes[0] if len(nodes) == 1 else None

    def _bind(self, name: str, node: ast.AST) -> None:
        self.bindings.setdefault(name, []).append(node)

    def read(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._read_statement(statement)

    def _read_statement(self, node: ast.AST) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._bind(node.name, node)
            self.is_open = self.is_open or node.name in _DYNAMIC_METHODS
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._bind(alias.asname or alias.name.partition(".")[0], node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                self.is_open = self.is_open or alias.name == "*"
                self._bind(alias.asname or alias.name, node)
                if node.module == "__future__" and alias.name == "annotations":
                    self.has_text_annotations = True
        else:
            self._read_expressions(node)
            for child in ast.iter_child_nodes(node):
                if isinstance(child, (ast.stmt, ast.ExceptHandler)) or _is_case(child):
                    self._read_statement(child)

    def _read_expressions(self, node: ast.AST) -> None:
        """Names that the statement's own expressions store; calls that may store any."""
        pending = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
        if isinstance(node, ast.AnnAssign) and node.value is None:
            return
        while pending:
            child = pending.pop()
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                self._bind(child.id, node)
            elif isinstance(child, ast.Name) and child.id in _OPENERS:
                self.is_open = True
            if not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.Lambda)):
                pending += [
                    below
                    for below in ast.iter_child_nodes(child)
                    if not isinstance(below, (ast.stmt, ast.ExceptHandler))
                ]


# By these, code may bind names that are not written anywhere.
_OPENERS = {"globals", "exec", "eval", "setattr", "vars", "locals"}
_FAR_OPENERS = {"globals", "exec", "eval"}
# With these, an attribute need not be written in the class.
_DYNAMIC_METHODS = {"__getattr__", "__getattribute__", "__new__"}


def _is_case(node: ast.AST) -> bool:
    return type(node).__name__ == "match_case"


def scope_of(tree: ast.Module) -> Scope:
    scope = Scope()
    scope.read(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            for name in node.names:
                scope._bind(name, node)
        elif isinstance(node, ast.Name) and node.id in _FAR_OPENERS:
            scope.is_open = True
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name):
                scope.attributes.setdefault(node.value.id, set()).add(node.attr)
        elif isinstance(node, (ast.Call, ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            scope.passed |= _handed_on(node)
    return scope


def _handed_on(node: Union[ast.Call, ast.Assign, ast.AnnAssign, ast.NamedExpr]) -> Set[str]:
    """Names of what another function, or another name, can change from here on."""
    values: List[Optional[ast.expr]] = (
        [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node, ast.Call)
        else [node.value]
    )
    return {value.id for value in values if isinstance(value, ast.Name)}


@dataclass
class Class:
    """A class and those of its bases that are in the same module, in the order of look-up.
    `is_open` means that there may be more methods than these."""

    node: ast.ClassDef
    scopes: List[Scope]
    is_open: bool
    attributes: Set[str]
    has_metaclass: bool

    @property
    def line(self) -> int:
        return self.node.lineno

    @property
    def own_names(self) -> List[str]:
        return list(self.scopes[0].bindings)

    def has(self, name: str) -> Optional[bool]:
        """None if that is uncertain."""
        if name in self.attributes or any(name in scope.bindings for scope in self.scopes):
            return True
        return None if self.is_open else False

    def function(self, name: str) -> Optional[Function]:
        """The method, if it is certain that the name means it."""
        if name in self.attributes:
            return None
        for scope in self.scopes:
            if name in scope.bindings:
                node = scope.only(name)
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    # A decorator may change the parameters.
                    return node if is_plain(node) else None
                return None
            if scope.is_open:
                return None
        return None


# Bases that bring no method the server asks for.
_EMPTY_BASES = {"object", "ABC", "abc.ABC", "Generic", "typing.Generic", "Protocol"}


def class_of(scope: Scope, name: str) -> Optional[Class]:
    """The class that a name of the module means; None if that is uncertain. A decorated class may
    be anything."""
    node = scope.only(name)
    if not isinstance(node, ast.ClassDef) or node.decorator_list:
        return None
    found = Class(node, [], False, set(), False)
    _read_class(found, node, scope, set())
    return found


def _read_class(found: Class, node: ast.ClassDef, scope: Scope, seen: Set[str]) -> None:
    body = Scope()
    body.read(node.body)
    found.scopes.append(body)
    found.is_open = found.is_open or body.is_open or node.name in scope.passed
    found.attributes |= scope.attributes.get(node.name, set())
    found.has_metaclass = found.has_metaclass or bool(node.keywords)
    found.is_open = found.is_open or found.has_metaclass
    selves = _selves(node)
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and child.attr in ("__dict__", "__class__"):
            found.is_open = True
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            # `self.predict = ...` in a method.
            found.attributes.add(child.attr)
        elif isinstance(child, ast.Name) and child.id in _OPENERS:
            found.is_open = True
        elif isinstance(child, ast.Call) and _handed_on(child) & selves:
            # Who gets `self` may add to it.
            found.is_open = True
    names = [name for name in map(base_name, node.bases) if name not in _EMPTY_BASES]
    below = scope.only(names[0]) if len(names) == 1 and names[0] else None
    if isinstance(below, ast.ClassDef) and not below.decorator_list and below.name not in seen:
        _read_class(found, below, scope, {*seen, below.name})
    elif names:
        # From here on, what the class has is what another module says, or several bases do.
        found.scopes.append(Scope(is_open=True))
        found.is_open = True


def _selves(node: ast.ClassDef) -> Set[str]:
    """What methods call the object, or the class: their first parameters."""
    functions = [f for f in node.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {arg.arg for f in functions for arg in (*f.args.posonlyargs, *f.args.args)[:1]}


def decorator_name(function: Function) -> Optional[str]:
    """The one decorator of a method; "" if there is none, None if it is uncertain."""
    if not function.decorator_list:
        return ""
    if len(function.decorator_list) > 1:
        return None
    return base_name(function.decorator_list[0])


def is_plain(function: Function) -> bool:
    return decorator_name(function) in ("", "staticmethod", "classmethod")


def base_name(node: ast.AST) -> Optional[str]:
    """`a.b` of a name, an attribute, or a subscript of one."""
    if isinstance(node, ast.Subscript):
        return base_name(node.value)
    if isinstance(node, ast.Attribute):
        before = base_name(node.value)
        return f"{before}.{node.attr}" if before else None
    return node.id if isinstance(node, ast.Name) else None
