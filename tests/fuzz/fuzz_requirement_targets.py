"""Fuzz targets for lists of requirements, lockfiles, projects of uv, and what these tools print."""

from __future__ import annotations

import re
from typing import Callable, Dict, Sequence

from fuzz.checks import allowed, check_text, require
from pants_truss.core import lockfile, pex_errors, uv_project
from pants_truss.core.environment import (
    Distribution,
    Wanted,
    disagreements,
    joint_requirements,
    own_requirements,
    with_all_hashes_or_none,
)
from pants_truss.core.errors import TrussError
from pants_truss.core.lint.release import default_release
from pants_truss.core.pins import RequirementOf, pin_requirements
from pants_truss.core.provided_requirements import brings_modules
from pants_truss.core.requirement import (
    applies,
    guessed_names,
    has_credentials,
    marker_environments,
    parse_line,
    redacted,
    without_placeholders,
    without_user_info,
)
from pants_truss.core.requirement_files import (
    describe_missing_in_image,
    missing_in_image,
    parse_options,
    read_lines,
)
from pants_truss.core.server_bounds import contradictions
from pants_truss.core.tool_output import last_line

_ENVIRONMENTS = marker_environments("3.11")
# A few of them: each is parsed again for each input.
_CONSTRAINTS = default_release().server_constraints[:3]
_NAME = re.compile(r"[a-z0-9-]*")


def fuzz_requirements(data: bytes) -> None:
    """A requirements file. Reading it raises nothing; each line may raise `TrussError`."""
    lines = read_lines(data)
    for line in lines:
        require(line.number >= 1 and line.text.strip() == line.text, "a line is not stripped")
        with allowed(TrussError):
            _check_line(line.text)
        place = missing_in_image(line.text)
        if place:
            describe_missing_in_image(line.text, place, "t/requirements.txt")
    texts = [line.text for line in lines]
    contradictions(texts, _CONSTRAINTS)
    with allowed(TrussError):
        with_all_hashes_or_none(texts)
    _check_wanted(texts)


def _check_wanted(texts: Sequence[str]) -> None:
    """Pex gets no credentials: its arguments are in the key of a cache that others may read."""
    for make in (own_requirements, joint_requirements):
        with allowed(TrussError):
            wanted: Wanted = make(texts, ["numpy", "a>=1"], _CONSTRAINTS)
            for text in (*wanted.requirements, *wanted.options):
                require(len(text.splitlines()) == 1, f"the line is {text!r}")
                require(not has_credentials(text), f"credentials are left in {text!r}")


def _check_line(text: str) -> None:
    require(redacted(redacted(text)) == redacted(text), "a redacted text changes again")
    require(not has_credentials(without_user_info(text)), "credentials are left")
    without_placeholders(text)
    line = parse_line(text)
    if line is None:
        return
    if line.is_option:
        parse_options(line.text)
        return
    names = guessed_names([line])
    brings_modules("a-gpu", ("a",), names, {"a": ("a",)})
    require(line.name is None or _NAME.fullmatch(line.name), f"the name {line.name!r}")
    again = parse_line(line.with_hashes)
    require(again and again.name == line.name and again.hashes == line.hashes, "not the same line")
    if line.parsed:
        applies(line.parsed, ("a",), _ENVIRONMENTS)


def fuzz_lockfile(data: bytes) -> None:
    """A lockfile of any format. It raises `TrussError`; a pin is one line, and pip reads it."""
    with allowed(TrussError):
        found = lockfile.parse(data, _ENVIRONMENTS)
        for name, locked in found.distributions.items():
            require(_NAME.fullmatch(name) and locked.name == name, f"the name {name!r}")
            for pin in (locked.pin, locked.index or ""):
                require(len(pin.splitlines()) < 2 and pin.isprintable(), f"the pin is {pin!r}")
            wanted = [RequirementOf(name, "t/config.yaml")]
            with allowed(TrussError):
                for each in pin_requirements(wanted, found, "x.lock", _ENVIRONMENTS):
                    require(len(each.text.splitlines()) == 1, f"the pin is {each.text!r}")


def fuzz_uv_project(data: bytes) -> None:
    """`pyproject.toml`, `uv.lock` and the output of uv. They raise `TrussError`."""
    with allowed(TrussError):
        _check_wanted(uv_project.static_dependencies("t/pyproject.toml", data) or ())
    registries: Dict[str, str] = {}
    with allowed(TrussError):
        registries = uv_project.locked_registries("t/uv.lock", data)
    registries = {**registries, **uv_project.annotated_registries(data)}
    with allowed(TrussError):
        for line in uv_project.as_requirements(data, registries, ("https://x.org",), "t/uv.lock"):
            require(len(line.splitlines()) == 1, f"the line is {line!r}")


def fuzz_metadata(data: bytes) -> None:
    """`Requires-Dist` of installed distributions, one a line. Anybody can have written them, so
    nothing raises but `TrussError`."""
    lines = tuple(data.decode("utf-8", "replace").splitlines())
    with allowed(TrussError):
        disagreements([Distribution("a", "1", lines)], [Distribution("b", "2.0+x", ())], "3.11")


def fuzz_tool_output(data: bytes) -> None:
    """What Pex and uv print when they fail. Nothing raises."""
    text = data.decode("utf-8", "replace")
    pex_errors.explain_failure(text, "t/config.yaml", "3.11")
    pex_errors.without_wheel(text)
    uv_project.describe_failure(text, "export", "t/uv.lock")
    check_text(last_line(text))


REQUIREMENT_TARGETS: Dict[str, Callable[[bytes], None]] = {
    "requirements": fuzz_requirements,
    "lockfile": fuzz_lockfile,
    "uv_project": fuzz_uv_project,
    "metadata": fuzz_metadata,
    "tool_output": fuzz_tool_output,
}
