from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.testutil.scripts import import_scripts

SCRIPTS = Path(__file__).resolve().parent
(redact,) = import_scripts(["redact"], SCRIPTS, SCRIPTS.parent.parent / "core")
RedactedStream, secrets_of_user = redact.RedactedStream, redact.secrets_of_user


def written(secrets: List[str], pieces: List[str]) -> str:
    target = io.StringIO()
    stream = RedactedStream(target, secrets)
    for piece in pieces:
        stream.write(piece)
    stream.finish()
    return target.getvalue()


def test_a_secret_in_pieces() -> None:
    assert written(["secret"], ["a se", "cr", "et b\nsecre", "\nt"]) == "a *** b\nsecre\nt\n"


def test_one_secret_is_part_of_another() -> None:
    assert written(["secret", "Bearer secret"], ["x Bearer secret\n"]) == "x ***\n"


def test_short_values_are_not_secrets() -> None:
    assert written(["", "a", "dev"], ["a device\n"]) == "a device\n"


text = st.text("abc\n", max_size=6)


@given(st.lists(st.text("abc", min_size=6, max_size=8), max_size=3), st.lists(text))
def test_no_secret_is_written(secrets: List[str], pieces: List[str]) -> None:
    output = written(secrets, pieces)
    assert not any(secret in output for secret in secrets)
    assert output.count("\n") == "".join(pieces).count("\n") + (
        not "".join(pieces).endswith("\n") and bool("".join(pieces))
    )


def test_lines_are_written_when_they_end() -> None:
    target = io.StringIO()
    stream = RedactedStream(target, [])
    assert (stream.write("a"), stream.write("b  \nc"), target.getvalue()) == (1, 5, "ab\n")
    # A secret that is added later is redacted in lines that are not written yet.
    stream.add(["csecret", "short"])
    stream.write("secret")
    stream.finish()
    stream.finish()
    assert target.getvalue() == "ab\n***\n"


def test_what_a_terminal_or_a_ci_would_obey_is_escaped() -> None:
    assert written([], ["\x1b[2Ja\x1b[1mb\x1b[0m\n::error::x\n##[error]y\n"]) == (
        "\\x1b[2Jab\n\\::error::x\n##\\[error]y\n"
    )
    # A secret is hidden before a part of it is escaped.
    assert written(["se\x07cret"], ["a se\x07cret\rb\n"]) == "a ***\nb\n"


# Values that are secret.

TRUSSRC = """\
[one]
remote_provider = baseten
api_key = key%of%one
[two]
oauth_access_token = access
oauth_refresh_token = refresh
api_key =
[three]
remote_url = https://x
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("BASETEN_API_KEY", "BASETEN_TRUSS_AUTH_API_KEY", "USER_TRUSSRC_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_secrets_of_the_file_and_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secrets_of_user() == []
    (home / ".trussrc").write_text(TRUSSRC)
    assert secrets_of_user() == ["key%of%one", "access", "refresh"]
    monkeypatch.setenv("BASETEN_TRUSS_AUTH_API_KEY", "other")
    monkeypatch.setenv("BASETEN_API_KEY", "mine")
    assert secrets_of_user() == ["mine", "other", "key%of%one", "access", "refresh"]


def test_the_file_that_a_variable_names(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".trussrc").write_text(TRUSSRC)
    (home / "elsewhere").write_text("[a]\napi_key: elsewhere\n")
    monkeypatch.setenv("USER_TRUSSRC_PATH", "~/elsewhere")
    assert secrets_of_user() == ["elsewhere"]


def test_a_file_with_a_section_twice(home: Path) -> None:
    (home / ".trussrc").write_text("[a]\napi_key = s3cret\n  more\n[a]\n")
    assert secrets_of_user() == ["s3cret", "more"]


def test_a_value_of_several_lines(home: Path) -> None:
    (home / ".trussrc").write_text("[a]\napi_key = s3cret\n  more\n")
    assert secrets_of_user() == ["s3cret", "more"]


@pytest.mark.parametrize("content", [b"no section", b"[a]\nx", b"\xff\xfe", b""])
def test_a_file_that_cannot_be_read_has_no_secrets(home: Path, content: bytes) -> None:
    (home / ".trussrc").write_bytes(content)
    assert secrets_of_user() == []
    (home / ".trussrc").unlink()
    (home / ".trussrc").mkdir()
    assert secrets_of_user() == []


@pytest.mark.parametrize(
    "url, printed",
    [
        (
            "http://user:planted-password@p:1",
            "Unauthorized for url: http://user:planted-password@p/",
        ),
        ("http://user:planted#password@p:1", "'user:planted' is not a valid host or port"),
        ("http://user:planted#password@p:1", "Failed to parse: http://user:planted#password@p:1"),
        ("http://user:plan%74ed@p:1", "credentials user:planted"),
        ("http://user:planted/pas@p:1", "no host //user:planted"),
        ("http://u:pl@p", "for url: http://u:pl@p/"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "all_proxy", "BASETEN_TRUSS_AUTH_REMOTE_URL", ""])
def test_passwords_of_urls(
    url: str, printed: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trussrc = tmp_path / "trussrc"
    trussrc.write_text("" if name else f"[baseten]\nremote_url = {url}\n")
    monkeypatch.setenv("USER_TRUSSRC_PATH", str(trussrc))
    if name:
        monkeypatch.setenv(name, url)
    said = written(secrets_of_user(), [printed])
    assert "***" in said and "pl" not in said.replace("place", "").replace("http://p", "")


@pytest.mark.parametrize("password", ["planted", "pl%61nted"])
def test_a_header_that_a_proxy_repeats(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://robot:{password}@proxy:1")
    for plain in (f"robot:{password}", "robot:planted"):
        encoded = base64.b64encode(plain.encode()).decode()
        lines = ["not accepted: Basic " + encoded]
        assert written(secrets_of_user(), lines) == "not accepted: Basic ***\n"


def test_a_url_without_a_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert (
        written(secrets_of_user(), ["http://proxy.example:3128"]) == "http://proxy.example:3128\n"
    )
