"""Parses Python of users, however deeply it is nested.

CPython's parser recurses in C. On the small stacks of Pants' threads, generated code such as
`a.b.b.b` with 30,000 dots ends the whole process. Here a thread with a large stack parses it.
"""

from __future__ import annotations

import ast
import threading
import warnings
from typing import List, Union

_MIN_STACK = 16 << 20
# In bytes for each byte of source: a level takes at least two bytes, and 850 bytes of stack.
_STACK_OF_BYTE = 512
_lock = threading.Lock()


def parse(source: bytes) -> ast.Module:
    """Return the tree. Raises `SyntaxError`, `ValueError` for null bytes, and `RecursionError` for
    code that this Python cannot parse because it is nested too deeply."""
    found: List[Union[ast.Module, BaseException]] = []
    # Pages of a stack are allocated when they are used.
    thread = _thread(max(_MIN_STACK, _STACK_OF_BYTE * len(source)), source, found)
    thread.join()
    (result,) = found
    if isinstance(result, (RecursionError, MemoryError)):
        raise RecursionError("it is nested too deeply")
    if isinstance(result, BaseException):
        raise result
    return result


def _thread(
    stack: int, source: bytes, found: List[Union[ast.Module, BaseException]]
) -> threading.Thread:
    thread = threading.Thread(target=_parse_into, args=(source, found))
    with _lock:
        before = threading.stack_size(stack)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread


def _parse_into(source: bytes, found: List[Union[ast.Module, BaseException]]) -> None:
    try:
        with warnings.catch_warnings():
            # Python's own warnings about escapes are not about the truss.
            warnings.simplefilter("ignore")
            found.append(ast.parse(source))
    except BaseException as e:
        found.append(e)
