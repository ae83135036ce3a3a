"""The questions to uv about a project, and its answers: `uv.lock` and `pyproject.toml`.

An image runs `uv export --frozen` for a `uv.lock`, and `uv pip install -r pyproject.toml`
(`base.Dockerfile.jinja`).
"""

from __future__ import annotations

import re
from typing import Any, Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import parse_line, redacted, without_user_info
from pants_truss.core.requirement_files import PYPROJECT, read_lines
from pants_truss.core.toml import parse_toml

_PYPI = ("https://pypi.org/simple", "https://pypi.python.org/simple")
_COMMON = ("--no-header", "--no-python-downloads", "--color=never")
# As in an image, but for the project itself, whose code is bundled.
EXPORT = ("export", "--frozen", "--format", "requirements-txt", "--no-emit-project", *_COMMON)


def compile_arguments(
    python: str, indexes: Sequence[str], find_links: Iterable[str], *, is_linux: bool
) -> Tuple[str, ...]:
    """Asks uv what `uv pip install -r pyproject.toml` would install, for a Python such as `3.11`,
    from the indexes and links of `[python-repos]`. On other systems than Linux, the answer is for
    all platforms."""
    options = [
        "--python-platform=linux" if is_linux else "--universal",
        f"--python-version={python}",
        "--generate-hashes",
        "--emit-index-annotation",
        # Like the Dockerfile.
        "--index-strategy=unsafe-best-match",
    ]
    if [index.rstrip("/") for index in indexes] != [_PYPI[0]]:
        options += [f"--default-index={index}" for index in indexes[:1]] or ["--no-index"]
        options += [f"--index={index}" for index in indexes[1:]]
    options += [f"--find-links={link}" for link in find_links]
    return ("pip", "compile", PYPROJECT, *options, *_COMMON)


def static_dependencies(path: str, content: bytes) -> Optional[Tuple[str, ...]]:
    """`[project].dependencies` of the `pyproject.toml` at `path`; None if only uv can say what the
    project requires: it is dynamic, or of Poetry, or has settings for uv. Raises `TrussError`."""
    data = _parse(path, content)
    project, tool = data.get("project"), data.get("tool", {})
    if not isinstance(project, dict) or (isinstance(tool, dict) and "uv" in tool):
        return None
    dynamic = project.get("dynamic", [])
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        return None
    found = project.get("dependencies", [])
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise TrussError(f"{path}: `project.dependencies` is not a list of strings.")
    return tuple(found)


def _parse(path: str, content: bytes) -> Dict[str, Any]:
    try:
        return parse_toml(content.decode("utf-8-sig", "replace"))
    except TrussError as e:
        raise TrussError(f"{path} {e}") from None


def locked_registries(path: str, content: bytes) -> Dict[str, str]:
    """The index of each package in the `uv.lock` at `path` that is not from PyPI, by name."""
    found: Dict[str, str] = {}
    packages = _parse(path, content).get("package", [])
    for package in packages if isinstance(packages, list) else []:
        source = package.get("source") if isinstance(package, dict) else None
        registry = source.get("registry") if isinstance(source, dict) else None
        if isinstance(registry, str) and registry.rstrip("/") not in _PYPI:
            found[canonicalize_name(str(package.get("name")))] = registry
    return found


_FROM = re.compile(r"^\s+# from (\S+)\s*$")


def annotated_registries(output: bytes) -> Dict[str, str]:
    """The same of what `uv pip compile --emit-index-annotation` writes."""
    found: Dict[str, str] = {}
    name = ""
    for text in output.decode("utf-8", "replace").splitlines():
        index = _FROM.match(text)
        if index and name and index[1].rstrip("/") not in _PYPI:
            found[name] = index[1]
        elif text[:1].isalnum():
            name = canonicalize_name(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0])
    return found


def as_requirements(
    output: bytes, registries: Dict[str, str], known_indexes: Iterable[str], origin: str
) -> Tuple[str, ...]:
    """The lines of a requirements file that uv has written, after `--extra-index-url` for each
    index in `registries` that is not in `known_indexes`. Raises `TrussError` where a name of such
    an index could be taken from another one: hashes prevent that."""
    lines = [" ".join(line.text.split()) for line in read_lines(output)]
    known = {_bare(index) for index in (*_PYPI, *known_indexes)}
    needed = {
        name: index
        for name, index in registries.items()
        if name in _names(lines) and _bare(index) not in known
    }
    _refuse_folders(needed, origin)
    unhashed = [line for line in lines if "--hash=" not in line]
    for name, index in sorted(needed.items()):
        if unhashed:
            raise TrussError(
                f"{name} comes from the index {redacted(index)}. Only its hash distinguishes it "
                f"from a distribution of that name in another index, and no hash can be checked "
                f"beside {redacted(unhashed[0])!r}. Add the index to `[python-repos].indexes`, or "
                f'build the image with `builder="docker"`.'
            )
    indexes = sorted({without_user_info(index) for index in needed.values()})
    return (*(f"--extra-index-url {index}" for index in indexes), *lines)


def _refuse_folders(registries: Dict[str, str], origin: str) -> None:
    for name, index in sorted(registries.items()):
        if not re.match(r"https?://", index):
            raise TrussError(
                f"{origin} takes {name} from the folder {index!r}, which is not in an image. "
                f"Publish it to an index, or name its URL."
            )


def _bare(index: str) -> str:
    return without_user_info(index).rstrip("/")


def _names(lines: Sequence[str]) -> FrozenSet[str]:
    found: List[str] = []
    for text in lines:
        line = parse_line(text)
        if line and line.name:
            found.append(line.name)
    return frozenset(found)


def describe_failure(stderr: str, command: str, origin: str) -> str:
    """What uv says, without its colours and credentials."""
    lines = [line.rstrip() for line in stderr.splitlines() if line.strip()]
    errors = [i for i, line in enumerate(lines) if line.startswith("error:")] or [-8]
    said = "\n".join(f"  {line}" for line in lines[errors[0] :][:8])
    return f"`uv {command}` fails for {origin}, and so it does in an image:\n{redacted(said)}"
