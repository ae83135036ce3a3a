"""Says in one sentence or two why Pex could not build an environment."""

from __future__ import annotations

import re
from typing import List, Optional

from pants_truss.core.requirement import redacted

_NO_INTERPRETER = (
    "Could not find a compatible interpreter",
    "No working interpreter compatible",
    "Failed to find a compatible",
)
_NOT_FOUND = re.compile(r"No matching distribution found for (.+)")
_NO_WHEEL = re.compile(r"No pre-built wheel was available for (.+)\.")
_MAX_LINES = 8
_CAUSE = re.compile(
    r"\b(fatal|remote|error|Error): |ERROR|Error\b|Exception\b|[Dd]enied|[Cc]ould not|[Ff]ailed"
    r"|did not run successfully|No such file"
)
_NOISE = re.compile(
    r"subprocess-exited-with-error|^(note|hint): |See above for output|^\[(end|\d+ lines) of output"
    r"|exited with \d+ and STD"
)
# The first Pants whose Pex, and its pip, run on a Python that those of 2.17 cannot.
_FIRST_PANTS = {"3.12": "2.21", "3.13": "2.23", "3.14": "2.27"}


def explain_failure(output: str, origin: str, python: str) -> str:
    """`output` is that of Pex; `origin` is where the requirements are written, `python` is a
    version such as `3.11`."""
    if any(text in output for text in _NO_INTERPRETER):
        return _no_interpreter(output, python)
    missing = _NOT_FOUND.search(output)
    if missing:
        return (
            f"no distribution matches the requirement {redacted(missing.group(1).strip())!r} of "
            f"{origin} for Python {python} on this machine. Check its name and version; other "
            f"package indexes are named in `[python-repos].indexes`."
        )
    unbuilt = without_wheel(output)
    if unbuilt:
        return (
            f"{unbuilt}, a requirement of {origin}, has no wheel for the platform of the image, "
            f"and cannot be built for it on this machine. Add one to an index or a folder in "
            f"`[python-repos].find_links`, or take another version."
        )
    conflict = _conflict(output)
    if conflict:
        return (
            f"the requirements of {origin} and those of the model server contradict each other, so "
            f"an image could not be built either:\n{conflict}"
        )
    return f"its environment could not be built from {origin}:\n{_last_lines(output)}"


def without_wheel(output: str) -> Optional[str]:
    """The distribution, with its version, that Pex has found as source only and could not build
    for another platform."""
    found = _NO_WHEEL.search(output)
    return redacted(found.group(1)) if found else None


def _no_interpreter(output: str, python: str) -> str:
    its = f"its Python is {python} (`python_version` in its config; py313 where that says none)"
    broken = re.search(rf"\d\.\) +(\S*/python{re.escape(python)}):", output)
    if broken:
        return (
            f"{its}, and the Pex of this Pants cannot use {broken.group(1)}. Use {_newer(python)}, "
            f"or set a newer `[pex-cli].version` (with `known_versions`)."
        )
    # Newer releases of Pex write `CPython-t`, for one that is not free-threaded.
    there = sorted(set(re.findall(r"CPython(?:-t)?==(3\.\d+)\.\d", output)), key=_numbers)
    others = f" It finds {', '.join(there)}." if there else ""
    return (
        f"{its}, which Pants does not find on this machine.{others} Install it, add its folder to "
        f"`[python-bootstrap].search_path`, or change `python_version`."
    )


def _newer(python: str) -> str:
    release = _FIRST_PANTS.get(python)
    return f"Pants {release} or newer" if release else "a newer Pants"


def _numbers(version: str) -> List[int]:
    return [int(part) for part in version.split(".")]


def _conflict(output: str) -> Optional[str]:
    found = re.search(r"The conflict is caused by:\n(.*?)(?:\n\s*\n|\Z)", output, re.DOTALL)
    return redacted(_indented(found.group(1))) if found else None


def _last_lines(output: str) -> str:
    """The lines that name a cause, in the words of git, of a build or of the index, or the last."""
    lines = [line for line in map(_plain, output.splitlines()) if line]
    causes: List[str] = []
    for position, line in enumerate(lines):
        ends_output = lines[position + 1 : position + 2] == ["[end of output]"]
        if (ends_output or _CAUSE.search(line)) and not _NOISE.search(line) and line not in causes:
            causes.append(line)
    return redacted(_indented("\n".join((causes or lines)[-_MAX_LINES:])))


def _plain(line: str) -> str:
    """Without the number of the process, which Pex writes, and pip's frame."""
    return re.sub(r"^pid \d+ -> ", "", line).strip(" \t│×╰─>")


def _indented(text: str) -> str:
    lines = [_plain(line) for line in text.splitlines()]
    return "\n".join(f"  {line}" for line in lines if line)
