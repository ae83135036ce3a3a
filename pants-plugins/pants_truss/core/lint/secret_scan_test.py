from __future__ import annotations

import base64
from typing import Any, Dict, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.secret_scan import config_secrets, scan

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
    "a PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + DIGITS[:50],
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


def whats(content: str, path: str = "a/x.py") -> List[str]:
    return [secret.what for secret in scan(path, content.encode())]


@pytest.mark.parametrize(
    ("what", "spare"),
    [
        ("an AWS access key", 0),
        ("a GitHub token", 0),
        ("a GitHub token ", 0),
        ("a GitLab token", 0),
        ("a Hugging Face token", 0),
        ("an OpenAI key", 4),
        ("an Anthropic key", 0),
        ("a Google API key", 0),
        ("a Slack token", 4),
        ("a Stripe key", 0),
        ("an npm token", 0),
        ("a PyPI token", 0),
        ("an Azure storage key", 0),
    ],
)
def test_a_format_begins_at_a_word_and_is_complete(what: str, spare: int) -> None:
    token = CREDENTIALS[what]
    shortest = token[: len(token) - spare]
    for text in (
        f'"{shortest}"',
        f"={shortest}",
        f"({shortest})",
        f"/{shortest}\n",
        f"é{shortest}",
    ):
        assert whats(text) == [what.strip()]
    assert not whats(shortest[:-1])
    for char in "x_0":
        assert not whats(char + token)


@pytest.mark.parametrize(
    "what",
    ["an AWS access key", "a GitHub token", "a GitLab token", "a Hugging Face token"]
    + ["a Google API key", "an npm token"],
)
def test_a_longer_word_is_not_a_token(what: str) -> None:
    assert not whats(CREDENTIALS[what] + "Z")
    assert whats(CREDENTIALS[what] + ".Z") == [what]


@pytest.mark.parametrize(
    "token",
    [f"gh{kind}_" + DIGITS[:36] for kind in "pousr"]
    + ["ASIA" + "QZ2WRT7YPL3KJHGF", "rk_live_" + DIGITS[:24], "xoxp-4827364918-" + DIGITS[:24]]
    + ["sk-" + DIGITS[:20] + "T3Blbk" + "FJ" + DIGITS[:20]],
)
def test_variants_of_a_format(token: str) -> None:
    assert len(whats(f"x: {token}")) == 1


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize(
    "text",
    [
        "{head}\n{key}\n",
        "{head}\r\n{key}\r\n",
        "key: |\n  {head}\n    {key}\n",
        '{{"key": "{head}\\n{key}\\n"}}',
        "{head}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,9A5C\n\n{key}\n",
        "{head}\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,9A5C\r\n\r\n{key}\r\n",
    ],
)
def test_private_keys(kind: str, text: str) -> None:
    head = "-----BEGIN " + kind + "PRIVATE KEY-----"
    assert whats(text.format(head=head, key=KEY[:64])) == ["a private key"]


NOISE = st.lists(st.text("abkA1 =:_-'\"#/\t\x00\xff", max_size=20), max_size=5)


@given(st.sampled_from(sorted(CREDENTIALS)), NOISE, NOISE, st.sampled_from(["\n", "\r\n"]))
def test_a_credential_among_other_lines(
    what: str, before: List[str], after: List[str], end: str
) -> None:
    text = end.join([*before, CREDENTIALS[what], *after])
    (found,) = scan("a/x.bin", text.encode("latin-1"))
    assert (found.what, found.line) == (what.strip(), len(before) + 1)


def test_each_credential_of_a_file_is_reported_but_no_placeholder() -> None:
    placeholder = "ghp_" + "x" * 36
    lines = [CREDENTIALS["a GitHub token"], placeholder, "", CREDENTIALS["an npm token"]]
    found = [(s.what, s.line) for s in scan("x", "\n".join(lines).encode())]
    assert found == [("a GitHub token", 1), ("an npm token", 4)]
    same_line = f"{placeholder} {CREDENTIALS['an AWS access key']} {CREDENTIALS['a Stripe key']}"
    assert whats(same_line) == ["an AWS access key", "a Stripe key"]


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("TOKEN=abc123", True),
        ("  export\tHF_TOKEN = 'abc123'", True),
        ('api_key="abc123"', True),
        ("MY_PASSWD=abc123", True),
        ("AWS_CREDENTIALS_2=abc123", True),
        ("# TOKEN=abc123", False),
        ("TOKEN=abc12", False),
        ("TOKEN='abc12'", False),
        ("TOKEN=", False),
        ("TOKEN=$(cat token)", False),
        ("TOKEN=${OTHER_TOKEN}", False),
        ("TOKEN=<the token>", False),
        ("TOKEN=your-token-here", False),
        ("TOKEN=Changeme", False),
        ("TOKEN=XXXXXXXX", False),
        ("USER=TOKEN=abc123", False),
        ("HOST=abc123", False),
    ],
)
def test_assignments_of_an_env_file(line: str, is_told: bool) -> None:
    found = [(s.what, s.line) for s in scan("a/.env", f"A=1\n\n{line}\nB=2\n".encode())]
    assert found == ([("a credential, in .env", 3)] if is_told else [])


@pytest.mark.parametrize(
    ("path", "content", "is_told"),
    [
        (".ENV", "TOKEN=abc123", True),
        ("my-app.env.local", "TOKEN=abc123", True),
        ("a/.env.SAMPLE", "TOKEN=abc123", False),
        (".env.template", "TOKEN=abc123", False),
        (".env.d/x", "TOKEN=abc123", False),
        ("x.envrc", "TOKEN=abc123", False),
        ("_netrc", "machine a\n  login b\n  password c\n", True),
        (".netrc", "machine a login anonymous\n", False),
        (".pgpass", "# a comment: none\nhost:5432:db:user:pw\n", True),
        (".pgpass", "# host:5432:db:user:pw\n", False),
        ("pgpass", "host:5432:db:user:pw\n", False),
        (".pypirc", "[pypi]\nusername: a\npassword: b\n", True),
        (".pypirc", "[pypi]\nusername = a\npassword =\n", False),
        (".git-credentials", "https://host/x\n", False),
        (".git-credentials", "https://user@host/x\n", False),
    ],
)
def test_names_of_files(path: str, content: str, is_told: bool) -> None:
    assert bool(whats(content, path)) is is_told


def test_a_file_of_credentials_is_reported_once_and_others_by_their_tokens() -> None:
    token = CREDENTIALS["a GitHub token"]
    assert whats(f"A_TOKEN={token}\nB_TOKEN={token}\n", ".env") == ["a credential, in .env"]
    assert whats(f"A={token}\nB={token}\n", ".env") == ["a GitHub token"] * 2
    assert whats(f"A_TOKEN={token}\n", ".env.example") == ["a GitHub token"]


# --- Configs.


def messages(data: Dict[Any, Any]) -> List[str]:
    return [problem.message for problem in config_secrets(data)]


def test_values_of_secrets() -> None:
    values: Dict[str, Any] = {
        "a": None,
        "b": "",
        "hf": "fish",
        "c": 0,
        "d": False,
        "e": [],
        "f": {},
    }
    problems = list(config_secrets({"secrets": values}))
    assert [problem.key for problem in problems] == [("secrets", name) for name in ["hf", *"cdef"]]
    assert {(p.rule, p.severity) for p in problems} == {("secret", Severity.WARNING)}
    assert problems[0].message == (
        "`secrets.hf` has a value, which every copy of the truss would carry. Write `hf: null`; "
        "the server has the value from its own store, or from the environment variable "
        "TRUSS_SECRET_hf."
    )


def severity_of(name: str, value: str) -> Severity:
    (problem,) = config_secrets({"secrets": {name: value}})
    assert (problem.key, problem.rule) == (("secrets", name), "secret")
    return problem.severity


@pytest.mark.parametrize(
    "value",
    [
        "ENTER HF TOKEN HERE",
        "your-key",
        "YOUR_HF_ACCESS_TOKEN",
        "null",
        "None",
        "<token>",
        "${HF_TOKEN}",
        "hf_access_token",
        "hf-access-token",
        "...",
        "xxxxxxxx",
        "placeholder",
        "your-key-123",
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_placeholders_of_secrets_are_notes(value: str) -> None:
    assert severity_of("hf_access_token", value) is Severity.NOTE


@pytest.mark.parametrize(
    "value",
    ["q7WzR4tYpL9kJh2G", "hf_" + "qWzRtYpLmKjHgFdSaXcVbNqWzRtYpLmKjH", "AKIA" + "QZ2WRT7YPL3KJHGF"],
)
def test_credentials_below_secrets_are_errors(value: str) -> None:
    assert severity_of("hf_access_token", value) is Severity.ERROR
    (problem,) = config_secrets({"secrets": {"a": value}})
    assert value not in problem.message


@pytest.mark.parametrize("value", ["hunter2", "swordfish"])
def test_other_values_of_secrets_are_warnings(value: str) -> None:
    assert severity_of("hf_access_token", value) is Severity.WARNING


def test_the_note_about_a_placeholder() -> None:
    (problem,) = config_secrets({"secrets": {"hf": "your-token"}})
    assert problem.message == (
        "`secrets.hf` has a placeholder. The model gets this text as the secret if the secret is "
        "not set, instead of an error. Write `hf: null`; the server has the value from its own "
        "store, or from the environment variable TRUSS_SECRET_hf."
    )


RANDOM = "q7WzR4tYpL9kJh2G"


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("HF_TOKEN", True),
        ("secret", True),
        ("DB_PASSWORD", True),
        ("OPENAI_API_KEY", True),
        ("X_APIKEY", True),
        ("SSH_PASSPHRASE", True),
        ("GOOGLE_CREDENTIALS", True),
        ("TOKEN_COUNT", False),
        ("SECRET_NAME", False),
        ("CACHE_KEY", False),
        ("KEY", False),
    ],
)
def test_variables_with_the_name_of_a_credential(name: str, is_told: bool) -> None:
    problems = list(config_secrets({"environment_variables": {name: RANDOM}}))
    assert len(problems) == is_told
    for problem in problems:
        assert (problem.key, problem.rule) == (("environment_variables", name), "secret")
        assert problem.severity is Severity.WARNING
        assert problem.message == (
            f"`environment_variables.{name}` looks like a credential, which every copy of the "
            f"truss would carry. Declare it in `secrets`, with `null`."
        )


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ("abcdefg1", True),
        ("p@ss%w0rd!", True),
        ("a" * 7 + "b" * 7 + "1" + "c" * 7, True),
        ("abcde1", False),
        ("abcdefghij", False),
        ("1234-5678-9012", False),
        ("/run/secrets/token1", False),
        ("$(TOKEN1234)", False),
        ("${TOKEN1234}", False),
        ("<your token 1>", False),
        ("a token of 16 bytes", False),
        ("xxxxxxxx1", False),
        ("my-example-1", False),
        ("k1" * 101, False),
        (12345678, False),
        (None, False),
        (["abcdefg1"], False),
    ],
)
def test_values_that_look_like_a_credential(value: Any, is_told: bool) -> None:
    assert bool(messages({"environment_variables": {"A_TOKEN": value}})) is is_told


@given(
    st.sampled_from(["secrets", "environment_variables"]),
    st.dictionaries(st.text("AKEYTOKN_", min_size=1), st.text("01yz", min_size=8), max_size=4),
)
def test_a_message_never_shows_the_value(section: str, values: Dict[str, str]) -> None:
    found = messages({section: values})
    assert not any(value in message for message in found for value in values.values())
    if section == "secrets":
        assert len(found) == len(values)


@pytest.mark.parametrize("value", [None, "x", 5, [RANDOM], [{"TOKEN": RANDOM}]])
def test_sections_of_another_type(value: Any) -> None:
    assert not messages({"secrets": value, "environment_variables": value})
    assert len(messages({"secrets": {1: value, None: ""}})) == (value is not None)
