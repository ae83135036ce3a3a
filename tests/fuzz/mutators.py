"""Mutators that know a format: they change values of valid documents, not only their bytes.

Each takes the input, the largest size of the result and a seed, as `atheris.Setup` wants it.
"""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any, Callable, Dict, List, Tuple

import atheris  # type: ignore[import]
import toml
import yaml

Mutator = Callable[[bytes, int, int], bytes]
Dump = Callable[[Any], bytes]
Load = Callable[[bytes], Any]

# Values that no code expects in the place of another.
_ODD: Tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 10**400, 0.5, float("nan"), float("inf"), 1e300),
    *("", " ", "\n", "\r", "\x00", "\x1b[31m", "\ud800", "\u2028", "::error::x", "/", "..", "*"),
    *("../x", "/x", "-", "--x", "a" * 300, "9" * 5000, "\u0661", "\xb2", "[", "{", "%", "$x", "\\"),
    *([], {}, [None], [[]], {"": None}, [{}], {"a": {"a": {}}}, "http://[", "file:x", "a@b", ">=1"),
)


def tree_mutator(load: Load, dump: Dump, share: float = 0.6) -> Mutator:
    """Changes some values of the document; now and then bytes, and always those of no document."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < share:
            try:
                tree = load(data)
                for _ in range(chance.choice((1, 1, 2, 4))):
                    tree = _changed(tree, chance)
                changed = dump(tree)
                if changed != data and len(changed) <= max_size:
                    return changed
            except Exception:
                pass
        return bytes(atheris.Mutate(data, max_size))

    return mutate


def _changed(tree: Any, chance: random.Random) -> Any:
    places: List[Tuple[Any, Any]] = []
    _collect(tree, places)
    if not places:
        return copy.deepcopy(chance.choice(_ODD))
    parent, key = chance.choice(places)
    action = chance.randrange(6)
    if action == 0:
        del parent[key]
    elif action == 1:
        other, other_key = chance.choice(places)
        parent[key] = copy.deepcopy(other[other_key])
    elif action == 2 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    elif action == 3 and isinstance(parent, dict):
        parent[_text(str(key), chance)] = parent.pop(key)
    elif action == 4 and isinstance(parent[key], str):
        parent[key] = _text(parent[key], chance)
    else:
        parent[key] = copy.deepcopy(chance.choice(_ODD))
    return tree


def _text(text: str, chance: random.Random) -> str:
    """The text with a piece put in, cut out or doubled."""
    at, to = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
    piece = chance.choice([str(odd) for odd in _ODD[11:36]])
    return chance.choice(
        (text[:at] + piece + text[at:], text[:at] + text[to:], text[:to] + text[at:])
    )


def _collect(tree: Any, places: List[Tuple[Any, Any]], depth: int = 0) -> None:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        places.append((tree, key))
        if isinstance(value, (dict, list)) and depth < 20:
            _collect(value, places, depth + 1)


def _dump_json(tree: Any) -> bytes:
    return json.dumps(tree).encode("ascii")


def _dump_yaml(tree: Any) -> bytes:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8")


def _load_lockfile(data: bytes) -> Any:
    text = data.decode("utf-8")
    if "[[package]]" in text:
        return toml.loads(text)
    return json.loads("".join(line for line in text.splitlines() if not line.startswith("//")))


def _dump_lockfile(tree: Any) -> bytes:
    return _dump_json(tree) if "locked_resolves" in tree else toml.dumps(tree).encode("utf-8")


_INLINE = re.compile(r"^\[package\.source\]\n((?:\w+ = .*\n)+)", re.MULTILINE)


def _dump_uv(tree: Any) -> bytes:
    """`source` in braces, by which a uv.lock is known."""
    text = _dump_lockfile(tree).decode("utf-8")
    return _INLINE.sub(
        lambda found: "source = { " + ", ".join(found[1].splitlines()) + " }\n", text
    ).encode()


_SEPARATOR = b"\n---\n"


def _load_parts(data: bytes) -> Any:
    return [json.loads(part) for part in data.split(_SEPARATOR)]


def _dump_parts(tree: Any) -> bytes:
    return _SEPARATOR.join(_dump_json(part) for part in tree)


_BLOCK = 512


def _mutate_tar(data: bytes, max_size: int, seed: int) -> bytes:
    """Changes bytes, mostly of headers, and makes the checksums of headers right again."""
    chance = random.Random(seed)
    if data[:2] == b"\x1f\x8b" or data[:4] == b"\x28\xb5\x2f\xfd":
        return bytes(atheris.Mutate(data, max_size))
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3))):
        headers = _headers(changed)
        if headers and chance.random() < 0.8:
            _change_header(changed, chance.choice(headers), chance)
        elif len(changed) + _BLOCK <= max_size and headers and chance.random() < 0.5:
            at = chance.choice(headers)
            changed[at:at] = changed[at : at + _BLOCK * chance.choice((1, 2, 3))][
                : max_size - len(changed)
            ]
        else:
            changed = bytearray(atheris.Mutate(bytes(changed), max_size))
    for at in _headers(changed):
        changed[at + 148 : at + 156] = b" " * 8
        changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + _BLOCK])
    return bytes(changed)


def _headers(data: bytearray) -> List[int]:
    blocks = range(0, len(data) - _BLOCK + 1, _BLOCK)
    return [at for at in blocks if data[at + 257 : at + 262] == b"ustar"]


# The fields of a header: offset, size, and values that are worth a try.
_NAMES = (
    *(
        b"usr/bin/python3",
        b"usr/bin/python3.11",
        b"usr/lib/python3.11/os.py",
        b"opt/venv/bin/python3",
    ),
    *(b"opt/venv/pyvenv.cfg", b"usr/lib/python3/dist-packages", b"../x", b"/x", b".wh.x", b"\xff"),
    *(
        b"usr/.wh..wh..opq",
        b"usr/.wh.bin",
        b"./usr/bin",
        b"lib/ld-musl-x.so.1",
        b"..",
        b"",
        b"a/../b",
    ),
    *(b"python3", b"/usr/bin/python3.11", b"a" * 100, b"\n", b"usr/lib/python3.\xd9\xa1/os.py"),
)
_SIZES: Tuple[bytes, ...] = (
    b"00000000000\0",
    b"77777777777\0",
    b"00000001000\0",
    b"\x80" + b"\0" * 10 + b"\x09",
)
_SIZES += (
    b"\xff" * 12,
    b"\xff" * 10 + b"\xfe\0",
    b"\xff" * 10 + b"\xfc\0",
    b"\x80" + b"\xff" * 11,
    b"00000000024\0",
    b"-1\0" + b" " * 9,
    b" " * 12,
)
_FIELDS: Tuple[Tuple[int, int, Tuple[bytes, ...]], ...] = (
    (0, 100, _NAMES),
    (157, 100, _NAMES),
    (124, 12, _SIZES),
    (156, 1, tuple(bytes([char]) for char in b"0125xgXLKSDMVN7\0s")),
    (345, 155, (*_NAMES, b"\0")),
    (482, 13, _SIZES),
)


def _change_header(changed: bytearray, at: int, chance: random.Random) -> None:
    offset, size, values = chance.choice(_FIELDS)
    if chance.random() < 0.75:
        changed[at + offset : at + offset + size] = chance.choice(values)[:size].ljust(size, b"\0")
    else:
        changed[at + chance.randrange(_BLOCK)] = chance.randrange(256)


_YAML = tree_mutator(yaml.safe_load, _dump_yaml, share=0.4)
_JSON = tree_mutator(json.loads, _dump_json)

MUTATORS: Dict[str, Mutator] = {
    "config": _YAML,
    "config_edit": _YAML,
    "examples": _YAML,
    "lockfile": tree_mutator(_load_lockfile, _dump_uv, share=0.5),
    "uv_project": tree_mutator(_load_lockfile, _dump_uv, share=0.4),
    "answer": _JSON,
    "state": _JSON,
    "manifest": _JSON,
    "base_image": _JSON,
    "layout": tree_mutator(_load_parts, _dump_parts),
    "layer": _mutate_tar,
    "truss_tar": _mutate_tar,
}
