"""Reads pip's requirements files as pip does (`pip._internal.req.req_file`), which uv follows.

Truss decides by the name of a `requirements_file` how an image installs it: `uv.lock` and
`pyproject.toml` by uv, any other as a requirements file of pip.
"""

from __future__ import annotations

import codecs
import optparse
import re
import shlex
from dataclasses import dataclass
from typing import Iterator, List, NoReturn, Optional, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import redacted, without_comment

PYPROJECT = "pyproject.toml"
UV_LOCK = "uv.lock"

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")


def is_beside(path: str) -> Tuple[str, ...]:
    """The files that are read together with the one at `path`."""
    folder, slash, name = path.rpartition("/")
    return (path, f"{folder}{slash}{PYPROJECT}") if name == UV_LOCK else (path,)


def is_read_by_uv(path: Optional[str]) -> bool:
    return (path or "").rpartition("/")[2] in (UV_LOCK, PYPROJECT)


@dataclass(frozen=True)
class FileLine:
    """A logical line without its comment. `number` is that of its first line in the file."""

    number: int
    text: str


def decode(content: bytes) -> str:
    """By its byte order mark, or by a `# -*- coding: x -*-` in one of the first two lines.
    PowerShell writes UTF-16 by default."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding, "replace")
    for line in content.split(b"\n")[:2]:
        found = _CODING.search(line) if line[:1] == b"#" else None
        if found:
            try:
                return content.decode(found[1].decode("ascii"), "replace")
            except LookupError:
                break
    return content.decode("utf-8", "replace")


def is_utf(content: bytes) -> bool:
    """If the text is UTF-8, or says by its mark that it is another UTF. uv reads these alone."""
    if content.startswith(tuple(bom for bom, _ in _BOMS)):
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def read_lines(content: bytes) -> Tuple[FileLine, ...]:
    """The logical lines of a requirements file. Values of environment variables are not put in."""
    found = []
    for number, line in _joined(decode(content)):
        text = without_comment(line)
        if text:
            found.append(FileLine(number, text))
    return tuple(found)


def logical_lines(text: str) -> Tuple[str, ...]:
    """The lines of a list, each with those that continue it, as pip and uv read them."""
    return tuple(line for _, line in _joined(text))


def _joined(text: str) -> Iterator[Tuple[int, str]]:
    """Lines that end with a backslash, with those that follow. A comment ends the line that it
    continues, and is one even without a space before it."""
    parts: List[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        is_comment = line.lstrip().startswith("#")
        first = first if parts else number
        if line.endswith("\\") and not is_comment:
            parts.append(line.strip("\\"))
            continue
        yield first, "".join([*parts, f" {line}" if is_comment and parts else line])
        parts = []
    if parts:
        yield first, "".join(parts)


# --- Options that stand in a line of their own.


@dataclass(frozen=True)
class PipOption:
    """`name` is the long one, such as `--index-url`. `value` is None for a flag."""

    name: str
    value: Optional[str]

    @property
    def text(self) -> str:
        return self.name if self.value is None else f"{self.name} {self.value}"


_WITH_VALUE = (
    ("-i", "--index-url", "--pypi-url"),
    ("--extra-index-url",),
    ("-f", "--find-links"),
    ("-r", "--requirement"),
    ("-c", "--constraint"),
    ("-e", "--editable"),
    ("--no-binary",),
    ("--only-binary",),
    ("--trusted-host",),
    ("--use-feature",),
)
_FLAGS = ("--no-index", "--prefer-binary", "--require-hashes", "--pre")
_OWN_FILES = ("--requirement", "--constraint", "--editable")


class _Parser(optparse.OptionParser):
    def error(self, msg: str) -> NoReturn:
        raise TrussError(msg)


def _collect(option: optparse.Option, _: str, value: Optional[str], parser: _Parser) -> None:
    name = option._long_opts[0]
    parser.values.found.append(PipOption(name, value))  # type: ignore[union-attr]


def _new_parser() -> _Parser:
    parser = _Parser(add_help_option=False)
    for names in _WITH_VALUE:
        parser.add_option(*names, action="callback", callback=_collect, type="string")
    for name in _FLAGS:
        parser.add_option(name, action="callback", callback=_collect)
    return parser


class TrailingText(TrussError):
    """Text behind an option, which pip and uv overlook."""


def parse_options(text: str) -> Tuple[PipOption, ...]:
    """The options of a line that begins with one. Raises `TrussError` for what pip refuses."""
    values = optparse.Values({"found": []})
    try:
        _, rest = _new_parser().parse_args(shlex.split(text), values)
    except (TrussError, ValueError) as e:
        raise TrussError(
            f"{redacted(text)!r} is not an option that a requirements file can have ({e})."
        ) from None
    if rest:
        raise TrailingText(
            f"{redacted(text)!r} is not an option that a requirements file can have: "
            f"{redacted(rest[0])!r} follows it."
        )
    return tuple(values.found)


# --- Paths that are not in the image.


def missing_in_image(text: str) -> Optional[str]:
    """The place in the folder of the truss that a line reads, such as `base.txt` of `-r base.txt`;
    None if it reads nothing there.

    An image build copies the requirements file alone, so the build fails on such a line. Absolute
    paths may be in the base image (`absolute_place`), and URLs work.
    """
    place = _place(text)
    return place if place and is_relative(place) else None


def absolute_place(text: str) -> Optional[str]:
    """The absolute path that a requirement reads, as `pip freeze` writes it for what was installed
    from a folder. Only a base image of one's own can have it when the requirements are installed.
    None for other options than `-e`."""
    if text.startswith("-") and not text.startswith(("-e", "--editable")):
        return None
    bare = text.partition(" ")[0] if text.lower().startswith(("/", "file:/")) else ""
    place = _place(text) or bare
    return place if place and re.match(r"/|file:/", place, re.IGNORECASE) else None


def _place(text: str) -> Optional[str]:
    """The path or URL that a line reads."""
    if text.startswith("-"):
        try:
            options = parse_options(text)
        except TrussError:
            return None
        read = [o.value for o in options if o.name in (*_OWN_FILES, "--find-links") and o.value]
        return next((value for value in read if is_relative(value)), next(iter(read), None))
    place = text.partition(" ")[0] if text.startswith(".") else ""
    named = re.match(r"[A-Za-z0-9._-]+\s*(?:\[[^]]*\]\s*)?@\s*(\S+)", text)
    place = place or (named[1] if named else "")
    if not place and re.fullmatch(r"[^\s:]+\.(whl|zip|tar\.gz|tar\.bz2|tgz)(\s.*)?", text):
        place = text.partition(" ")[0]
    return place or None


def is_relative(place: str) -> bool:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", place):
        return bool(re.match(r"file:(?!/)", place, re.IGNORECASE))
    return not place.startswith(("/", "${"))


def describe_missing_in_image(text: str, place: str, origin: str) -> str:
    """`origin` is where the line is written."""
    fact = (
        f"{redacted(text)!r} reads {place!r}, which is not in the image: an image build has no "
        f"other file of the truss when it installs, so it fails."
    )
    if place.endswith((".whl", ".zip", ".gz", ".bz2", ".tgz")):
        return f"{fact} Publish it to an index, or name its URL."
    if text.startswith(("-f", "--find-links")):
        return f"{fact} Publish the distributions to an index, or name a URL."
    if text.startswith(("-e", "--editable", ".")):
        return f"{fact} Depend on its sources, which are bundled, or publish it to an index."
    return f"{fact} Write the lines of {place} into {origin}."
