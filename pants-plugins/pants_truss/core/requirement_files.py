"""Reads the files that `requirements_file` of a Truss config may name, by their names as Truss
does: `uv.lock`, `pyproject.toml`, or else a pip requirements file."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from pants_truss.core.environment import Wanted
from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import lines_of
from pants_truss.core.toml import parse_toml

PYPROJECT = "pyproject.toml"
UV_LOCK = "uv.lock"


def is_beside(path: str) -> Tuple[str, ...]:
    """The files that are read together with the one at `path`."""
    folder, slash, name = path.rpartition("/")
    return (path, f"{folder}{slash}{PYPROJECT}") if name == UV_LOCK else (path,)


def read_requirements(path: str, contents: Dict[str, str]) -> Wanted:
    """What is installed of the files that `is_beside` names, by path. Raises `TrussError`."""
    name = path.rpartition("/")[2]
    if name not in (UV_LOCK, PYPROJECT):
        return Wanted(tuple(lines_of(contents[path])))
    project = is_beside(path)[-1]
    if project not in contents:
        raise TrussError(f"{path} has no {PYPROJECT} beside it, which says what to install of it.")
    wanted = _strings(_parse(project, contents[project]).get("project", {}), "dependencies")
    pins = _pins(_parse(path, contents[path])) if name == UV_LOCK else []
    return Wanted(tuple(wanted), tuple(pins))


def _parse(path: str, text: str) -> Dict[str, Any]:
    try:
        return parse_toml(text)
    except TrussError as e:
        raise TrussError(f"{path} {e}") from None


def _strings(table: Any, key: str) -> List[str]:
    found = table.get(key, []) if isinstance(table, dict) else []
    return [entry for entry in found if isinstance(entry, str)] if isinstance(found, list) else []


def _pins(lock: Dict[str, Any]) -> List[str]:
    """`name==version` of what the lock has in one version only: of several, which one is taken
    depends on markers, and the resolver decides on these again."""
    versions: Dict[str, List[str]] = {}
    packages = lock.get("package", [])
    for package in packages if isinstance(packages, list) else []:
        source = package.get("source", {}) if isinstance(package, dict) else {}
        if "registry" in source and isinstance(package.get("version"), str):
            versions.setdefault(str(package.get("name")), []).append(package["version"])
    return [f"{name}=={found[0]}" for name, found in sorted(versions.items()) if len(found) == 1]
