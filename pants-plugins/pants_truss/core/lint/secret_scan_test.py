from __future__ import annotations

import base64

import pytest

from pants_truss.core.lint.secret_scan import scan

# Put together here, so that no one who scans this repository finds one.
LETTERS = "qWzRtYpLkJhGfDsAvCxNmBeUiOqWzRtYpLkJhGfDsAvCxNmBeUiO"
DIGITS = "q7WzR4tYpL9kJh2GfDs8AvC3xNm5BeU6iOq1Wz0RtYpLkJhGfDsAvCxNmBeUiOaaZ1b2C3d4E5f6G7h8"
KEY = base64.b64encode(bytes(range(90))).decode()

CREDENTIALS = {
    "a private key": f"-----BEGIN PRIVATE KEY-----\n{KEY[:64]}\n{KEY[64:]}\n-----END",
    "a private key ": f'"private_key": "-----BEGIN RSA PRIVATE KEY-----\\n{KEY}\\n-----END"',
    "an AWS access key": "AKIA" + "QZ2WRT7YPL3KJHGF",
    "a GitHub token": "ghp_" + DIGITS[:36],
    "a GitHub token ": "github_pat_" + DIGITS[:22] + "_" + DIGITS[:59],
    "a GitLab token": "glpat-" + DIGITS[:20],
    "a Hugging Face token": "hf_" + LETTERS[:34],
    "an OpenAI key": "sk-proj-" + DIGITS[:20] + "T3Blbk" + "FJ" + DIGITS[:20],
    "an Anthropic key": "sk-ant-api03-" + DIGITS[:82],
    "a Google API key": "AIza" + DIGITS[:35],
    "a Slack token": "xoxb-" + "4827364918-9182736455-" + DIGITS[:24],
    "a Stripe key": "sk_live_" + DIGITS[:24],
    "an npm token": "npm_" + DIGITS[:36],
    "an Azure storage key": "AccountKey=" + DIGITS[:43] + DIGITS[:43] + "==",
}


@pytest.mark.parametrize("what", CREDENTIALS)
def test_formats(what: str) -> None:
    content = f"# one\n# two\nx = '{CREDENTIALS[what]}'\n".encode()
    (found,) = scan("a/settings.py", content)
    assert (found.what, found.line) == (what.strip(), 3)


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PUBLIC KEY-----\n" + KEY,
        "starts with -----BEGIN PRIVATE KEY----- and ends with",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "hf_model_name_that_is_rather_long_indeed",
        "ghp_" + "x" * 36,
        "sk-learn sk-" + DIGITS[:30],
        "TOKEN = os.environ['TOKEN']",
        "sha256:" + "0f" * 32,
    ],
)
def test_near_misses(text: str) -> None:
    assert not list(scan("a/x.py", text.encode()))


@pytest.mark.parametrize(
    ("path", "content", "is_told"),
    [
        (".env", "DEBUG=1\nAPI_KEY=p9sd8f7a6sdf\n", True),
        ("a/.env.production", "export DB_PASSWORD='p9sd8f7a6sdf'\n", True),
        (".env", "DEBUG=1\nPORT=8080\n", False),
        (".env", "API_KEY=\nTOKEN=$OTHER\nSECRET=<yours>\n", False),
        (".env.example", "API_KEY=p9sd8f7a6sdf\n", False),
        ("prod.env", "API_KEY=p9sd8f7a6sdf\n", True),
        ("env.py", "API_KEY=p9sd8f7a6sdf\n", False),
        (".netrc", "machine a login b password c\n", True),
        (".trussrc", "[baseten]\napi_key = abc\n", True),
        (".trussrc", "[baseten]\nremote_url = x\n", False),
        (".pypirc", "[pypi]\nusername = a\npassword = b\n", True),
        (".git-credentials", "https://me:tok@host\n", True),
    ],
)
def test_files_that_are_credentials_by_name(path: str, content: str, is_told: bool) -> None:
    assert bool(list(scan(path, content.encode()))) is is_told


@pytest.mark.parametrize(
    "content",
    [b"sk-a-" * 200_000, b"AAAA_KEY_" * 110_000, b"\n" * 1_000_000, b" " * 1_000_000]
    + [b"-----BEGIN PRIVATE KEY-----\n" * 35_000, b"sk-" * 330_000, b"xoxb-1234567890-" * 60_000]
    + [b"://a" * 250_000, b"a:" * 500_000, b"password " * 110_000, b"KEY" * 330_000],
    ids=range(11),
)
def test_files_made_to_take_long(content: bytes) -> None:
    """Each of a megabyte. Without bounds in the patterns these take minutes, and the run is cut."""
    for name in ("x.py", ".env", ".netrc", ".pgpass", ".pypirc", ".git-credentials"):
        list(scan(name, content))
