"""Requirements of a truss, pinned to the lockfile of its resolve."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Sequence

from pants_truss.core.errors import TrussError
from pants_truss.core.gathered import GatheredRequirement
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.release import default_release
from pants_truss.core.locked import Lockfile
from pants_truss.core.pins import Pin, RequirementOf, pin_requirements
from pants_truss.core.requirement import marker_environments, redacted
from pants_truss.core.requirement_files import describe_missing_in_image, missing_in_image
from pants_truss.core.server_bounds import (
    contradictions,
    describe_contradictions,
)
from pants_truss.requirements.request import TrussRequirements, TrussRequirementsRequest

# Options of pip that bring requirements which are not in the line.
_INCLUDING = ("-r", "--requirement", "-e", "--editable")
_OF_INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")


def as_locked(
    request: TrussRequirementsRequest,
    resolve: str,
    path: str,
    locked: Lockfile,
    has_default_server: bool,
) -> TrussRequirements:
    config_path = request.config_path
    wanted = [
        *(RequirementOf(r.requirement, r.address, r.reason) for r in request.imported),
        *(
            RequirementOf(text, config_path, f"listed in {config_path}")
            for text in request.config_file.config.requirement_lines
        ),
    ]
    described = f"{path} (resolve {resolve})"
    environments = marker_environments(request.python)
    pins = pin_requirements(wanted, locked, described, environments)
    _refuse_local_files(pins, config_path, described)
    if has_default_server and request.config_file.config.needs_model:
        _refuse_contradictions(pins, resolve, described)
    notes = [("unpinned-requirement", note) for pin in pins for note in _unpinned_notes(pin)]
    missing = [(pin.text, missing_in_image(pin.text)) for pin in pins]
    not_in_image = [
        Finding(
            "requirement-not-in-image",
            config_path,
            describe_missing_in_image(text, place, f"`requirements` of {config_path}"),
        )
        for text, place in missing
        if place
    ]
    notes += [("pin-without-index", note) for note in _index_notes(pins, described)]
    return TrussRequirements(
        tuple(pin.text for pin in pins),
        tuple(
            GatheredRequirement(redacted(pin.text), pin.origin or path, pin.reason) for pin in pins
        ),
        (
            *(Finding(rule, config_path, note, Severity.WARNING) for rule, note in notes),
            *not_in_image,
        ),
    )


def _refuse_local_files(pins: Iterable[Pin], config_path: str, lockfile: str) -> None:
    """A file that the config itself lists may be in the base image."""
    for pin in pins:
        if pin.is_local and pin.origin != config_path:
            raise TrussError(
                f"{redacted(pin.text)!r} ({pin.origin or f'the lockfile {lockfile}'}) is a file of "
                f"one machine, and an image cannot install it. Publish it to an index, or name its "
                f"URL."
            )


def _refuse_contradictions(pins: Iterable[Pin], resolve: str, lockfile: str) -> None:
    release = default_release()
    found = contradictions((pin.text for pin in pins), release.server_constraints)
    if found:
        described = describe_contradictions(found, f"of Truss {release.version}")
        raise TrussError(
            f"the lockfile {lockfile}: {described}. Change the requirements of the resolve, and "
            f"run `pants generate-lockfiles --resolve={resolve}`."
        )


def _index_notes(pins: Sequence[Pin], lockfile: str) -> Iterator[str]:
    """One for each index that an image would not ask. If the config names one, this is taken to be
    the one."""
    if any(pin.text.startswith(_OF_INDEXES) for pin in pins):
        return
    by_index: Dict[str, List[str]] = {}
    for pin in pins:
        if pin.index:
            by_index.setdefault(pin.index, []).append(pin.text)
    for index, texts in sorted(by_index.items()):
        shown = ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")
        yield (
            f"the lockfile {lockfile} has {shown} from {index}, but an image asks PyPI for "
            f"{'it' if len(texts) == 1 else 'them'}, where a distribution of the same name may be "
            f"a stranger's. Add `--extra-index-url URL` to `requirements` in the config: it stays."
        )


def _unpinned_notes(pin: Pin) -> Iterator[str]:
    text = redacted(pin.text)
    if missing_in_image(pin.text):
        return
    if pin.text.startswith(_INCLUDING):
        yield f"what {text!r} brings is not pinned. List it in the config instead."
    elif pin.name is None and not pin.text.startswith("-"):
        yield (
            f"{text} does not say which distribution it is, so what it requires is not "
            f"pinned. Write `name @ {text}`."
        )
