"""Reads the image settings from a Dockerfile that Truss has written; commands are not read.

The grammar is the part of Docker's that Truss's templates use: continued lines, comments, quoted
values, and `${NAME}`, `$NAME` and `${NAME:-default}` where Docker expands them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Tuple

from pants_truss.core.errors import TrussError

# Docker sets this path if the base image has none.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Instruction:
    keyword: str
    text: str


@dataclass(frozen=True)
class ImageSettings:
    """`environment` is the base's, updated by the Dockerfile. Empty strings and tuples mean that
    the Dockerfile does not set the value."""

    environment: Mapping[str, str]
    working_dir: str
    user: str
    entrypoint: Tuple[str, ...]
    cmd: Tuple[str, ...]


def parse(text: str) -> Tuple[Instruction, ...]:
    """Returns the instructions, with keywords in capitals and continued lines joined."""
    found = []
    pending = ""
    # `splitlines` would also split at Unicode line breaks, which Docker keeps as part of a value.
    for line in (raw.rstrip("\r") for raw in text.split("\n")):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.rstrip().endswith("\\"):
            pending += line.rstrip()[:-1]
            continue
        found.append(_instruction(pending + line))
        pending = ""
    if pending.strip():
        found.append(_instruction(pending))
    return tuple(found)


def _instruction(text: str) -> Instruction:
    keyword, _, rest = text.strip().partition(" ")
    return Instruction(keyword.upper(), rest.strip())


def base_of(instructions: Tuple[Instruction, ...]) -> str:
    """Returns the base image of the only stage. Raises `TrussError` unless there is exactly one."""
    froms = stages(instructions)
    if len(froms) != 1:
        raise TrussError(f"The Dockerfile has {len(froms)} FROM lines. Write exactly one.")
    if not froms[0]:
        raise TrussError("The FROM line of the Dockerfile names no image.")
    return froms[0][0]


def stages(instructions: Iterable[Instruction]) -> List[List[str]]:
    """Returns the words of each FROM line, image first, without flags such as `--platform=…`."""
    return [
        [word for word in i.text.split() if not word.startswith("--")]
        for i in instructions
        if i.keyword == "FROM"
    ]


def settings(
    instructions: Tuple[Instruction, ...], base_environment: Mapping[str, str]
) -> ImageSettings:
    environment = {"PATH": DEFAULT_PATH, **base_environment}
    working_dir, user = "", ""
    entrypoint: Tuple[str, ...] = ()
    cmd: Tuple[str, ...] = ()
    for instruction in instructions:
        if instruction.keyword == "ENV":
            environment.update(_pairs(instruction.text, dict(environment)))
        elif instruction.keyword == "WORKDIR":
            working_dir = expand(instruction.text, environment)
        elif instruction.keyword == "USER":
            user = expand(instruction.text, environment)
        elif instruction.keyword == "ENTRYPOINT":
            entrypoint = _command(instruction.text)
        elif instruction.keyword == "CMD":
            cmd = _command(instruction.text)
    return ImageSettings(environment, working_dir, user, entrypoint, cmd)


def _command(text: str) -> Tuple[str, ...]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    # Like Docker, only a JSON list of strings is exec form: `CMD true` runs in a shell.
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(words)
    return ("/bin/sh", "-c", text)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*=")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Expands variables. A variable without a value is empty, as in Docker."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(3)
        return environment.get(name) or match.group(2) or ""

    return _VARIABLE.sub(value, text)


def _pairs(text: str, environment: Mapping[str, str]) -> Dict[str, str]:
    """Parses `A=1 B="two words"` and the older form `A the rest`."""
    if not _NAME.match(text):
        name, _, rest = text.partition(" ")
        return {name: "".join(_words(rest.strip(), environment, splits=False))}
    pairs = (word.partition("=") for word in _words(text, environment))
    return {name: value for name, _, value in pairs}


def _words(text: str, environment: Mapping[str, str], *, splits: bool = True) -> List[str]:
    """Splits like Docker: single quotes keep everything; double quotes and bare words expand."""
    words: List[str] = []
    word, quote, started = "", "", False
    i = 0
    while i < len(text):
        char = text[i]
        variable = _VARIABLE.match(text, i) if char == "$" and quote != "'" else None
        if variable:
            word += expand(variable.group(0), environment)
            started = True
            i = variable.end()
            continue
        if char == "\\" and quote != "'" and i + 1 < len(text):
            word += text[i + 1] if not quote or text[i + 1] in '"\\$' else text[i : i + 2]
            started = True
            i += 2
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote, started = char, True
        elif splits and not quote and char in " \t":
            if started:
                words.append(word)
            word, started = "", False
        else:
            word += char
            started = True
        i += 1
    return [*words, word] if started else words
