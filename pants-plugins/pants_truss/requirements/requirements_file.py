"""Reads the `requirements_file` of a truss: what an image installs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Tuple

from pants.engine.addresses import Address
from pants.engine.rules import collect_rules

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement_files import (
    PYPROJECT,
    UV_LOCK,
    describe_missing_in_image,
    is_beside,
    is_read_by_uv,
    missing_in_image,
    read_lines,
)
from pants_truss.core.uv_project import static_dependencies
from pants_truss.pants_api import get_digest_contents, implicitly, path_globs_to_digest, rule
from pants_truss.requirements import uv
from pants_truss.requirements.uv import UvProjectRequest, read_uv_project
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.sources.globs import all_of


@dataclass(frozen=True)
class RequirementsFileRequest:
    """`path` is that of the file that the config at `config_path` names; `python` is a version such
    as `3.11`."""

    address: Address
    config_path: str
    path: str
    python: str


@dataclass(frozen=True)
class RequirementsFile:
    """Lines as in a requirements file of pip. An image installs them within the constraints of the
    model server unless uv has read the file (`is_bounded`)."""

    lines: Tuple[str, ...]
    is_bounded: bool


@rule
async def read_requirements_file(request: RequirementsFileRequest) -> RequirementsFile:
    path = request.path
    digest = await path_globs_to_digest(all_of(is_beside(path)), **implicitly())
    contents = {file.path: file.content for file in await get_digest_contents(digest)}
    try:
        if path not in contents:
            raise TrussError(f"`requirements_file` names {path}, which does not exist.")
        if not is_read_by_uv(path):
            lines = tuple(line.text for line in read_lines(contents[path]))
            _refuse_files_of_the_truss(lines, path)
            return RequirementsFile(lines, True)
        project = is_beside(path)[-1]
        if project not in contents:
            raise TrussError(f"{path} has no {PYPROJECT} beside it, and uv reads both.")
        lock = contents[path] if path.endswith(UV_LOCK) else None
        static = static_dependencies(project, contents[project]) if lock is None else None
        if static is not None:
            return RequirementsFile(static, False)
        found = await read_uv_project(
            UvProjectRequest(path, contents[project], lock, request.python), **implicitly()
        )
        _refuse_files_of_the_truss(found.lines, path)
        return RequirementsFile(found.lines, False)
    except TrussError as e:
        raise InvalidTruss.of(request.address, e, request.config_path) from None


def _refuse_files_of_the_truss(lines: Iterable[str], path: str) -> None:
    for line in lines:
        place = missing_in_image(line)
        if place:
            raise TrussError(describe_missing_in_image(line, place, path))


def rules() -> Iterable[object]:
    return [*collect_rules(), *uv.rules()]
