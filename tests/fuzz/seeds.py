"""What each fuzz target starts from."""

from __future__ import annotations

from typing import Dict, List

from fuzz.layer_seeds import LAYERS
from fuzz.other_files import (
    ANSWERS,
    BASE_IMAGE,
    DOCKERFILE,
    LAYOUT,
    MANIFEST,
    RECORD,
    STATE,
    TRUSSRC,
)
from fuzz.user_files import (
    ANNEX,
    CONFIG,
    CONFIG_ANCHORS,
    CONFIG_SERVERS,
    CONSTRAINTS,
    EXAMPLES,
    GIT,
    IGNORE,
    MODEL,
    OTHER_LOCKS,
    PEX_LOCK,
    PEX_OUTPUT,
    POINTER,
    PYPROJECT,
    REQUIREMENTS,
    SECRETS,
    UTF16,
    UV_LOCK,
    UV_OUTPUT,
)

SEEDS: Dict[str, List[bytes]] = {
    "config": [CONFIG, CONFIG_ANCHORS, CONFIG_SERVERS],
    "config_edit": [
        CONFIG,
        CONFIG_ANCHORS,
        b"external_package_dirs:\r\n- a\r\n- b\r\n",
        b"{external_package_dirs: [a], requirements: }",
        b"# only\n",
    ],
    "layer": LAYERS,
    "examples": [EXAMPLES, b"- name: a\n  input: !!binary aGk=\n", b"- {name: a, input: .nan}"],
    "ignore": [IGNORE, GIT, POINTER, ANNEX],
    "python": [MODEL, b"class Model:\n  predict = 1\n", b"def f(:\n"],
    "secrets": SECRETS,
    "requirements": [REQUIREMENTS, UTF16],
    "lockfile": [PEX_LOCK, UV_LOCK, CONSTRAINTS, *OTHER_LOCKS],
    "uv_project": [PYPROJECT, UV_LOCK, UV_OUTPUT],
    "metadata": [b"b[c] (>=1.0) ; extra == 'x_y'\nb>=3 ; python_version >= '3.8'\n"],
    "tool_output": PEX_OUTPUT,
    "state": [STATE],
    "answer": ANSWERS,
    "truss_tar": LAYERS,
    "trussrc": [TRUSSRC],
    "manifest": [MANIFEST],
    "layout": [LAYOUT],
    "base_image": [BASE_IMAGE],
    "record": [RECORD],
    "dockerfile": [DOCKERFILE],
}

_DEEP = b"[" * 1500
_MARKER = b'resolution-markers = ["' + b"(" * 600 + b"os_name == 'a'" + b")" * 600 + b'"]\n'
_UV_HEAD = b'[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://x/" }\n'
DEEP = {
    "config": [b"a: " + _DEEP],
    "examples": [b"- " + _DEEP],
    "python": [b"x = " + b"(" * 300, b"a" + b".b" * 1500, b"-" * 1500 + b"1"],
    "requirements": [
        b"a ; " + b"(" * 600 + b"os_name == 'a'" + b")" * 600,
        b"a" + b" " * 999 + b"b",
    ],
    "lockfile": [b'{"locked_resolves": ' + _DEEP, b"a = " + _DEEP, _UV_HEAD + _MARKER],
    "uv_project": [b"a = " + _DEEP],
    "answer": [_DEEP, b"\n{" + b'"a": {' * 1500],
    "state": [_DEEP, b'{"version": 1, "deployments": ' + _DEEP],
    "manifest": [_DEEP],
    "layout": [_DEEP],
    "base_image": [_DEEP],
}
for _name, _seeds in DEEP.items():
    SEEDS[_name] = [*SEEDS[_name], *_seeds]
