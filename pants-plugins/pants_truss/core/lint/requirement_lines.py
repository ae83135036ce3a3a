"""Requirements that an image build refuses.

uv reads the list there (`sys_pip_install_command` in `base.Dockerfile.jinja` of Truss), pip in
images of releases before 0.14.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.lint.finding import Severity
from pants_truss.core.requirement import RequirementLine, parse_line, redacted
from pants_truss.core.requirement_files import parse_options

# What may be a path, or gets its value in the image.
_OTHER = re.compile(r"\$\{|[^\s;@]*/|file:|\S+\.(whl|zip|tgz|tar\.\w+)(\s|$)", re.IGNORECASE)
_OPTION = re.compile(r"\s(?!--hash\b)(--[a-z][a-z-]*)")


def refusal(text: str) -> Optional[Tuple[str, Severity]]:
    """Why a line of a list is refused: an error if both uv and pip do so, and a warning if only uv
    does. None for a line that is not certainly wrong."""
    try:
        if text.startswith("-"):
            parse_options(text)
            return None
        line = parse_line(text)
    except TrussError as e:
        if _OTHER.match(text) or "${" in text:
            return None
        # pip takes an empty marker.
        is_only_uv = text.rstrip().endswith(";") and _is_valid(text.rstrip("; \t"))
        return str(e), Severity.WARNING if is_only_uv else Severity.ERROR
    why = _refused_by_uv(line, text) if line and "${" not in text else None
    return (why, Severity.WARNING) if why else None


def _is_valid(text: str) -> bool:
    try:
        return parse_line(text) is not None
    except TrussError:
        return False


def _refused_by_uv(line: RequirementLine, text: str) -> Optional[str]:
    option = _OPTION.search(text.partition("#")[0])
    if line.parsed is None:
        return None
    if option and not line.is_url:
        return (
            f"{redacted(text)!r} has the option {option[1]}, and uv, which installs the "
            f"requirements in an image, takes none but `--hash` there. Remove it."
        )
    for specifier in line.parsed.specifier:
        # Releases of packaging before 22 take any version, as pip did before 24.1.
        if type(specifier).__name__ == "LegacySpecifier":
            return (
                f"{redacted(text)!r} is refused by uv, which installs the requirements in an "
                f"image: {str(specifier)!r} does not follow PEP 440. Write a version such as "
                f"`==1.26.4` or `==1.26.*`."
            )
    return None
