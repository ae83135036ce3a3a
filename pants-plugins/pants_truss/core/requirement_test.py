from __future__ import annotations

from typing import List, Optional, Set, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import (
    applies,
    guessed_names,
    has_credentials,
    marker_environments,
    parse_line,
    parse_locked,
    redacted,
)


@pytest.mark.parametrize(
    ("text", "name", "extras", "is_url"),
    [
        ("numpy", "numpy", set(), False),
        ("  NumPy==1.26.4  # pinned", "numpy", set(), False),
        ("Foo_Bar.baz[B_c,a]>=1; python_version > '3'", "foo-bar-baz", {"a", "b-c"}, False),
        ("lib @ git+https://host/lib.git@v1", "lib", set(), True),
        ("lib[x]@ https://host/lib-1.0-py3-none-any.whl", "lib", {"x"}, True),
        ("git+https://host/x.git@v1#egg=My_Lib[e]&subdirectory=y", "my-lib", {"e"}, True),
        ("git+https://host/x.git", None, set(), True),
        ("./wheels/x-1.0-py3-none-any.whl", None, set(), True),
        ("--extra-index-url https://host/simple", None, set(), False),
    ],
)
def test_lines(text: str, name: Optional[str], extras: Set[str], is_url: bool) -> None:
    line = parse_line(text)
    assert line is not None
    assert (line.name, set(line.extras), line.is_url) == (name, extras, is_url)


@pytest.mark.parametrize("text", ["", "   ", "# numpy", "  # x"])
def test_nothing(text: str) -> None:
    assert parse_line(text) is None


@pytest.mark.parametrize("text", ["a b", "==1", "a @", "a; nonsense", "a @ https://[x", "a===,:"])
def test_not_a_requirement(text: str) -> None:
    with pytest.raises(TrussError, match="is not a requirement"):
        parse_line(text)


def test_a_url_without_a_name_is_guessed_from_its_last_part() -> None:
    lines = [
        parse_line("git+https://host/My_Lib.git@v1.0"),
        parse_line("https://host/other-1.2.tar.gz"),
        parse_line("git+ssh://git@host/team/Branched.git@feature/x"),
        parse_line("--pre"),
        parse_line("numpy"),
    ]
    assert guessed_names(line for line in lines if line) == {
        "my-lib",
        "other",
        "branched",
        "numpy",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--index-url https://me:s3cret@host/simple", "--index-url https://***@host/simple"),
        ("a @ git+https://tok3n@host/a.git@v1", "a @ git+https://***@host/a.git@v1"),
        ("git+ssh://git@host/a.git", "git+ssh://git@host/a.git"),
        ("git+ssh://git:s3cret@host/a.git", "git+ssh://***@host/a.git"),
        ("a @ git+ssh://ghp0123@host/a.git", "a @ git+ssh://***@host/a.git"),
        ("a @ git+https://${TOKEN}@host/a.git", "a @ git+https://${TOKEN}@host/a.git"),
        ("a @ https://me:${TOKEN}@host/a", "a @ https://me:${TOKEN}@host/a"),
        ("a @ https://${USER}:s3cret@host/a", "a @ https://***@host/a"),
        ("a @ git+https://me@host/a.git", "a @ git+https://***@host/a.git"),
        ("a @ https://host/a@b.whl", "a @ https://host/a@b.whl"),
        ("numpy==1.0", "numpy==1.0"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("sys_platform == 'linux' and platform_machine == 'x86_64'", True),
        ("platform_system == 'Windows'", False),
        ("sys_platform == 'darwin' or os_name == 'nt'", False),
        ("python_version < '3.11'", False),
        ("python_version >= '3.11' and python_version < '3.12'", True),
        ("implementation_name != 'cpython' or platform_python_implementation != 'CPython'", False),
        # True on some patch releases, and which one serves is not known.
        ("python_full_version < '3.11.3'", True),
        ("python_full_version >= '3.11.4'", True),
        ("python_full_version == '3.11.4'", True),
        ("implementation_version < '3.11.3'", True),
        ("python_full_version <= '3.11.0a6'", False),
        ("python_full_version >= '3.12'", False),
        ("extra == 'x'", False),
    ],
)
def test_markers_are_for_linux_and_the_trusss_python(marker: str, holds: bool) -> None:
    requirement = Requirement(f"a; {marker}")
    assert applies(requirement, (), marker_environments("3.11")) is holds


def test_a_marker_that_compares_what_cannot_be_compared() -> None:
    with pytest.raises(TrussError, match="has a marker that cannot be evaluated"):
        applies(Requirement("a; sys_platform ~= 'linux'"), (), marker_environments("3.11"))


@pytest.mark.parametrize("written", ["My_Extra", "my.extra", "my-extra"])
def test_extras_are_compared_in_canonical_form(written: str) -> None:
    requirement = parse_locked(f'a; extra == "{written}" and sys_platform == "linux"')
    assert applies(requirement, ["my-extra"], marker_environments("3.11"))
    assert not applies(requirement, ["other"], marker_environments("3.11"))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("lib @ https://host/lib.whl#sha256=00", "https://host/lib.whl"),
        ("git+https://host/x.git@v1#egg=lib", "git+https://host/x.git@v1"),
        ("./lib.whl", "./lib.whl"),
        ("numpy==1.0", ""),
    ],
)
def test_a_url_is_compared_without_its_fragment(text: str, url: str) -> None:
    line = parse_line(text)
    assert line and line.url == url


@pytest.mark.parametrize(
    ("text", "written"),
    [
        # Text after `#` belongs to a URL, unless there is a space in front of the `#`.
        ("lib @ https://host/lib.whl#sha256=00  # why", "lib @ https://host/lib.whl#sha256=00"),
        ("git+https://host/x.git@v1#subdirectory=y", "git+https://host/x.git@v1#subdirectory=y"),
        ("--pre # why", "--pre"),
        ("\tnumpy >= 1\t#\t2\t", "numpy >= 1"),
        ("git+https://host/x#b=y&egg=a", "git+https://host/x#b=y&egg=a"),
    ],
)
def test_what_is_written_is_the_line_without_its_comment(text: str, written: str) -> None:
    line = parse_line(text)
    assert line and line.text == written


@pytest.mark.parametrize(
    "text", ["a b", "a @ @ https://me:s3cret@host/a.whl", "numpy =", "a=1=2=3"]
)
def test_a_refusal_says_what_is_written_and_how_to_write_it(text: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_line(f"  {text}  ")
    assert redacted(text) in str(caught.value) and "s3cret" not in str(caught.value)
    assert str(caught.value).endswith("a pip requirements file, such as `numpy==1.26.4`.")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, meant",
    [
        ("torch = 2.0", "torch==2.0"),
        ("torch=2.0; python_version<'3.9'", 'torch==2.0; python_version < "3.9"'),
        ("torch = = 2.0", "torch==2.0"),
        ("torch => 2.0", "torch>=2.0"),
        ("torch=~2.0", "torch~=2.0"),
        ("torch > = 2", "torch>=2"),
        ("torch[x] 2.0", "torch[x]==2.0"),
        ("torch@2.0", "torch==2.0"),
        ("torch: 2.0", "torch==2.0"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4"),
        ("scipy=1.11=0", "scipy==1.11"),
        ("torch=2.*", "torch==2.*"),
    ],
)
def test_a_slip_of_the_pen_is_corrected(text: str, meant: str) -> None:
    """The reason from `packaging` differs between releases, and does not help the user here."""
    with pytest.raises(TrussError) as caught:
        parse_line(text)
    assert str(caught.value) == f"{text!r} is not a requirement. Did you mean `{meant}`?"
    assert str(parse_line(meant).parsed) == meant  # type: ignore[union-attr]


PARTS = st.sampled_from(
    [
        "numpy",
        "[x,y]",
        " ",
        "==1",
        "; ",
        "extra == 'x'",
        "#egg=",
        "git+",
        "https://h/a@b",
        "-r",
        "/",
    ]
)


@given(st.lists(PARTS | st.text(max_size=4), max_size=5).map("".join))
def test_any_text_is_nothing_or_one_line_or_refused(text: str) -> None:
    try:
        line = parse_line(text)
    except TrussError:
        return
    if line is None:
        assert not text.strip() or text.strip().startswith("#")
        return
    again = parse_line(line.text)
    assert again is not None and line.text in text
    assert (again.text, again.name, again.extras) == (line.text, line.name, line.extras)
    assert line.name is None or line.name == canonicalize_name(line.name)


@pytest.mark.parametrize(
    ("text", "line", "hashes"),
    [
        ("a==1 --hash=sha256:00 --hash sha256:11", "a==1", ("sha256:00", "sha256:11")),
        ("a ; os_name == 'posix' --hash=sha256:00", "a ; os_name == 'posix'", ("sha256:00",)),
        ("a --config-settings=x=y", "a --config-settings=x=y", None),
        ("a @ https://h/a--hash=1", "a @ https://h/a--hash=1", ()),
    ],
)
def test_options_of_one_requirement(
    text: str, line: str, hashes: Optional[Tuple[str, ...]]
) -> None:
    found = parse_line(text)
    assert found
    if hashes is None:
        assert (found.text, found.hashes) == ("a", ())
        return
    assert (found.text, found.hashes) == (line, hashes)
    again = parse_line(found.with_hashes)
    assert again and (again.text, again.hashes) == (line, hashes)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://host/My_Lib-1.0-py3-none-any.whl", "my-lib"),
        ("https://host/my.lib.zip#sha256=00", "my-lib"),
        ("git+ssh://git@host/team/lib.git@v1-2#subdirectory=x", "lib"),
        ("git+https://host/lib/", "lib"),
        ("./wheels/lib-2.whl", "lib"),
        ("git+https://host/x.git#egg=Other_lib", "other-lib"),
        ("Other.Lib @ https://host/x.whl", "other-lib"),
    ],
)
def test_guesses(text: str, name: str) -> None:
    line = parse_line(text)
    assert line and guessed_names([line]) == {name}


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("git+ssh://git@github.com/acme/kit.git@v1", False),
        ("kit @ ssh://git@github.com:22/acme/kit.git", False),
        ("kit @ git+ssh://deploy-user@host/kit.git", False),
        ("kit @ git+https://acme@dev.azure.com/acme/_git/kit", False),
        ("kit @ git+https://${GITHUB_TOKEN}@github.com/acme/kit.git", False),
        ("--extra-index-url https://${USER}:${PASSWORD}@host/simple", False),
        ("kit @ git+https://x-access-token:s3cret@github.com/acme/kit.git", True),
        ("kit @ git+https://ghp_0123456789abcdefghij@github.com/acme/kit.git", True),
        ("kit @ git+https://abcdefghijklmnopqrstuvwxyz@github.com/acme/kit.git", True),
        ("kit @ git+ssh://git:s3cret@host/kit.git", True),
        ("kit @ https://me:@host/kit.whl", True),
        ("kit @ https://host/kit@1.whl", False),
    ],
)
def test_a_user_without_password_is_not_a_credential(text: str, has: bool) -> None:
    assert has_credentials(text) is has


# With a digit, as in any token of a service: letters alone may be a user.
TOKENS = st.text(alphabet="abcXYZ019:._~%!$&'()*+,;=-").map(lambda text: f"9{text}")


@given(TOKENS, st.sampled_from(["https://", "git+ssh://", "a @ git+https://", "-i http://"]))
def test_no_token_stays(token: str, start: str) -> None:
    shown = redacted(f"{start}{token}@host/x@v1 and {start}{token}@host")
    assert shown == f"{start}***@host/x@v1 and {start}***@host"
    assert redacted(shown) == shown


@given(st.text().filter(lambda text: "://" not in text))
def test_what_has_no_url_is_shown_whole(text: str) -> None:
    assert redacted(text) == text


# --- Markers.


@pytest.mark.parametrize("python", ["3.8", "3.9", "3.10", "3.13"])
def test_environments_have_all_that_markers_can_ask_for(python: str) -> None:
    environments = marker_environments(python)
    assert all(set(found) == set(default_environment()) for found in environments)
    assert environments[0]["python_full_version"] == f"{python}.0"
    assert {found["python_version"] for found in environments} == {python}
    # Two digits: versions are no text.
    assert applies(Requirement("a; python_version >= '3.10'"), (), environments) is (
        python in ("3.10", "3.13")
    )
    assert applies(Requirement(f"a; python_full_version > '{python}.20'"), (), environments)


@pytest.mark.parametrize(
    ("marker", "extras", "holds"),
    [
        ("extra == 'x' or extra == 'y'", ["y"], True),
        ("extra == 'x' and extra == 'y'", ["x", "y"], False),
        ("extra == 'x' and python_full_version < '3.11.2'", ["z", "x"], True),
        ("extra == 'x' and sys_platform == 'win32'", ["x"], False),
        ("sys_platform == 'linux'", ["x"], True),
    ],
)
def test_one_of_the_extras_at_a_time(marker: str, extras: List[str], holds: bool) -> None:
    environments = marker_environments("3.11")
    assert applies(parse_locked(f"a; {marker}"), extras, environments) is holds


def test_a_refused_marker_is_shown_without_credentials() -> None:
    requirement = Requirement("a @ https://me:s3cret@host/a.whl ; sys_platform ~= 'linux'")
    with pytest.raises(
        TrussError, match=r"'a ?@ ?https://\*\*\*@host/a.whl ?; .* cannot be evaluated"
    ):
        applies(requirement, (), marker_environments("3.11"))


EXTRAS = st.from_regex(r"[aB]([._-]{1,2}[Ab]){0,2}", fullmatch=True)


@given(EXTRAS, EXTRAS)
def test_an_extra_is_wanted_if_its_canonical_name_is(written: str, wanted: str) -> None:
    requirement = parse_locked(f"a>=1; extra == '{written}'")
    wanted = canonicalize_name(wanted)
    holds = applies(requirement, [wanted], marker_environments("3.11"))
    assert holds is (canonicalize_name(written) == wanted)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("# git+https://h/x.git#egg=a", None),
        ("numpy  # was git+https://h/x.git#egg=numpy", "numpy"),
        ("git+https://h/x.git#egg=a  # why", "git+https://h/x.git#egg=a"),
    ],
)
def test_comments_that_name_an_egg(line: str, text: Optional[str]) -> None:
    found = parse_line(line)
    assert (found.text if found else None) == text


def test_a_marker_that_is_nested_too_deep() -> None:
    with pytest.raises(TrussError, match="is not a requirement: it is nested too deep"):
        parse_line("a; " + "(" * 50_000 + "os_name == 'posix'" + ")" * 50_000)


@pytest.mark.parametrize("secret", ["me:p@ss", "me:p@s@s", "t0ken", ":", "me:"])
def test_no_part_of_a_password_is_shown(secret: str) -> None:
    text = f"a @ https://{secret}@host/x@v1 and git+ssh://{secret}@host/y"
    assert redacted(text) == "a @ https://***@host/x@v1 and git+ssh://***@host/y"


def test_no_credential_is_shown_of_what_is_nested_too_deep() -> None:
    deep = "(" * 50_000 + "os_name == 'posix'" + ")" * 50_000
    with pytest.raises(TrussError, match="nested too deep") as caught:
        parse_line(f"a @ https://me:hunter2@host/x ; {deep}")
    assert "hunter2" not in str(caught.value)
