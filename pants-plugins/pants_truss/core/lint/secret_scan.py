"""Finds credentials in files by formats that only credentials have. Never shows a found value.

Formats are those that the services document. Placeholders, as in documentation, do not count.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Iterator, Match, Optional, Tuple

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.problem import Data, Problem, dotted, mapping

# Larger files are data: no one keeps a token in them.
MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Secret:
    """The kind of credential that was found, and its line in the file."""

    what: str
    line: int


# Quantifiers are bounded, or begin only where a word does: a file of a megabyte that is made of
# beginnings of tokens must not take long.
_FORMATS: Tuple[Tuple[str, bytes], ...] = (
    (
        "a private key",
        rb"-----BEGIN (?:[A-Z]{1,20} )?PRIVATE KEY-----(?:\\n|\s|\"){0,20}"
        rb"(?:Proc-Type[^\n]{0,80}\n[^\n]{0,80}\n\s{0,4})?[A-Za-z0-9+/=]{40}",
    ),
    ("an AWS access key", rb"A(?:KIA|SIA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("a GitHub token", rb"gh[pousr]_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("a GitHub token", rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("a GitLab token", rb"glpat-[A-Za-z0-9_-]{20}(?![A-Za-z0-9_-])"),
    ("a Hugging Face token", rb"hf_[A-Za-z]{34}(?![A-Za-z0-9])"),
    ("an OpenAI key", rb"sk-[A-Za-z0-9_-]{0,120}T3BlbkFJ[A-Za-z0-9_-]{16,120}"),
    ("an Anthropic key", rb"sk-ant-[a-z]{1,10}\d\d-[A-Za-z0-9_-]{80,120}"),
    ("a Google API key", rb"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("a Slack token", rb"xox[abprs]-(?:\d{10,13}-){1,3}[A-Za-z0-9]{20,64}"),
    ("a Stripe key", rb"[rs]k_live_[A-Za-z0-9]{24,120}"),
    ("an npm token", rb"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("a PyPI token", rb"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,300}"),
    ("an Azure storage key", rb"AccountKey=[A-Za-z0-9+/]{86}=="),
)
_ANY_FORMAT = re.compile(
    # A letter before it may be the end of an escape, as in JSON: `\n`.
    rb"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))(?:"
    + b"|".join(b"(" + pattern + b")" for _, pattern in _FORMATS)
    + b")"
)
# Each match of a format contains one of these. Looking for them first takes a fraction of the time.
_MARKS = (
    *(b"PRIVATE KEY-----", b"AKIA", b"ASIA", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
    *(b"github_pat_", b"glpat-", b"hf_", b"T3BlbkFJ", b"sk-ant-", b"AIza", b"xox", b"k_live_"),
    *(b"npm_", b"pypi-", b"AccountKey="),
)
_PLACEHOLDER = re.compile(rb"EXAMPLE|(.)\1{7}|1234567890|abcdefgh", re.I)


def scan(path: str, content: bytes) -> Iterator[Secret]:
    """`path` decides on files that are credentials by their name, such as `.env`."""
    named = _by_name(posixpath.basename(path), content)
    if named:
        yield named
        return
    if not any(mark in content for mark in _MARKS):
        return
    for match in _ANY_FORMAT.finditer(content):
        if not _PLACEHOLDER.search(match.group()):
            what = _FORMATS[(match.lastindex or 1) - 1][0]
            yield Secret(what, _line(content, match))


_ENV_NAME = re.compile(r"[\w-]*\.env(\.[a-z]+)?", re.I)
_NO_SECRET_ENV = ("example", "sample", "template", "dist", "defaults")
_ASSIGNMENT = re.compile(
    rb"^[ \t]*(?:export[ \t]{1,8})?(?=\w{0,100}(?:SECRET|TOKEN|PASSW|KEY|CREDENTIAL))\w{1,100}"
    rb"[ \t]*=[ \t]*[\"']?(?!<|\$|your|change|xxx)[^\s\"']{6}",
    re.I | re.M,
)
_FILES = {
    ".netrc": re.compile(rb"\bpassword\s+\S"),
    "_netrc": re.compile(rb"\bpassword\s+\S"),
    ".pgpass": re.compile(rb"(?m)^[^#\n]+:[^:\n]+$"),
    ".pypirc": re.compile(rb"(?m)^[ \t]*password[ \t]*[:=][ \t]*\S"),
    ".trussrc": re.compile(rb"(?m)^[ \t]*api_key[ \t]*=[ \t]*\S"),
    ".git-credentials": re.compile(rb"://[^:/\s]+:[^@/\s]+@"),
}


def _by_name(name: str, content: bytes) -> Optional[Secret]:
    pattern = _FILES.get(name)
    if _ENV_NAME.fullmatch(name) and name.rpartition(".")[2].lower() not in _NO_SECRET_ENV:
        pattern = _ASSIGNMENT
    match = pattern.search(content) if pattern else None
    if match is None:
        return None
    return Secret(f"a credential, in {name}", _line(content, match))


def _line(content: bytes, match: Match[bytes]) -> int:
    return content.count(b"\n", 0, match.start()) + 1


def config_secrets(data: Data) -> Iterator[Problem]:
    """Yields values below `secrets`, which Truss returns if the secret is not set, and environment
    variables whose name and value are those of a credential."""
    for name, value in mapping(data, "secrets").items():
        if value in (None, ""):
            continue
        key = ("secrets", name)
        instead = (
            f"Write `{name}: null`; the server has the value from its own store, or from the "
            f"environment variable TRUSS_SECRET_{name}."
        )
        if _is_placeholder(str(name), value):
            yield Problem(
                key,
                f"`{dotted(key)}` has a placeholder. The model gets this text as the secret if the "
                f"secret is not set, instead of an error. {instead}",
                Severity.NOTE,
                "secret",
            )
            continue
        yield Problem(
            key,
            f"`{dotted(key)}` has a value, which every copy of the truss would carry. {instead}",
            Severity.ERROR if _is_credential(value) else Severity.WARNING,
            "secret",
        )
    for name, value in mapping(data, "environment_variables").items():
        if _SECRET_NAME.search(str(name)) and _looks_random(value):
            key = ("environment_variables", name)
            yield Problem(
                key,
                f"`{dotted(key)}` looks like a credential, which every copy of the truss would "
                f"carry. Declare it in `secrets`, with `null`.",
                Severity.WARNING,
                "secret",
            )


# Words that a reader is to replace, such as "your-key" and "ENTER HF TOKEN HERE".
_FOR_READERS = re.compile(
    r"\b(your|my|enter|insert|put|add|paste|replace|change|changeme|fill|set|todo|fixme|example|"
    r"sample|dummy|fake|placeholder|redacted|here|none|null|nil|undefined|tbd|xxx+|token|secret|"
    r"password|key)\b",
    re.I,
)


def _is_placeholder(name: str, value: object) -> bool:
    """Returns True for text that is written for readers: several words, a hint in brackets, or the
    name of the secret itself."""
    if not isinstance(value, str) or _is_credential(value):
        return False
    text = value.strip()
    if re.search(r"\s", text) or re.fullmatch(r"[<\[{$(].*[>\]})]|\.{2,}|[*xX-]+", text):
        return True
    words = re.sub(r"[-_.]+", " ", text)
    is_name = words.lower() == re.sub(r"[-_.]+", " ", name).lower()
    return is_name or bool(_FOR_READERS.search(words))


def _is_credential(value: object) -> bool:
    """Returns True for a token of a known service, and for text with no other meaning."""
    if not isinstance(value, str):
        return False
    known = [match.group() for match in _ANY_FORMAT.finditer(value.encode("utf-8", "replace"))]
    if known:
        return not all(_PLACEHOLDER.search(token) for token in known)
    words = re.sub(r"[-_.]+", " ", value)
    return _looks_random(value) and not _FOR_READERS.search(words)


_SECRET_NAME = re.compile(r"(SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|CREDENTIALS?)$", re.I)


def _looks_random(value: object) -> bool:
    """Not a name, path, reference, number or flag."""
    return (
        isinstance(value, str)
        and bool(re.fullmatch(r"[A-Za-z0-9+=_!@#%^&*.-]{8,200}", value))
        and bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))
        and not _PLACEHOLDER.search(value.encode("utf-8"))
    )
