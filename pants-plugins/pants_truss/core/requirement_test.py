from __future__ import annotations

from typing import Optional, Set

import pytest
from packaging.requirements import Requirement

from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import (
    applies,
    guessed_names,
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


@pytest.mark.parametrize("text", ["a b", "==1", "a @", "a; nonsense"])
def test_not_a_requirement(text: str) -> None:
    with pytest.raises(TrussError, match="is not a requirement"):
        parse_line(text)


def test_a_url_without_a_name_is_guessed_from_its_last_part() -> None:
    lines = [
        parse_line("git+https://host/My_Lib.git@v1.0"),
        parse_line("https://host/other-1.2.tar.gz"),
        parse_line("--pre"),
        parse_line("numpy"),
    ]
    assert guessed_names(line for line in lines if line) == {"my-lib", "other", "numpy"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--index-url https://me:s3cret@host/simple", "--index-url https://***@host/simple"),
        ("a @ git+https://tok3n@host/a.git@v1", "a @ git+https://***@host/a.git@v1"),
        ("git+ssh://git@host/a.git", "git+ssh://***@host/a.git"),
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
