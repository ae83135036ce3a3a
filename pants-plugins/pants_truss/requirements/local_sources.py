"""Findings about a uv project that depends on what an image does not have."""

from __future__ import annotations

from typing import Iterator, Mapping

from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.requirement_files import PYPROJECT, UV_LOCK, is_beside, is_read_by_uv
from pants_truss.core.uv_sources import local_sources, locked_local_sources
from pants_truss.requirements.request import TrussRequirementsRequest


def describe_local_sources(
    path: str, contents: Mapping[str, bytes], request: TrussRequirementsRequest
) -> Iterator[Finding]:
    """`path` is that of the `requirements_file`, `contents` has it and the file beside it. Nothing
    for a file that pip reads."""
    if not is_read_by_uv(path):
        return
    if path.endswith(PYPROJECT):
        found = local_sources(contents.get(path, b""), request.python)
    else:
        found = locked_local_sources(contents.get(path, b""), request.python)
    project = is_beside(path)[-1]
    for name, place in found:
        if place == ".":
            yield Finding(
                "requirement-not-in-image",
                path,
                f"uv builds and installs {name}, but an image has only its {PYPROJECT} and "
                f"{UV_LOCK}. The build fails if it needs another file; otherwise it installs no "
                f"code. Add `package = false` to `[tool.uv]` in {project}, and run `uv lock`.",
                Severity.WARNING,
            )
            continue
        yield Finding(
            "requirement-not-in-image",
            path,
            f"{project} takes {name} from {place!r}, which is not in the image: an image build has "
            f"no other file of the project when it installs, so it fails. Remove {name} from "
            f"`dependencies` and let the model import its sources, which are bundled then, or "
            f"publish it to an index.",
        )
