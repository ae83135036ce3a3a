from __future__ import annotations

from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.locked import Lockfile
from pants_truss.core.pins import RequirementOf, pin_requirements
from pants_truss.core.requirement import marker_environments
from pants_truss.core.uv_lock import is_uv_lock, parse

HEAD = 'version = 1\nrevision = 3\nrequires-python = ">=3.10"\n'
REGISTRY = 'source = { registry = "https://index/simple/" }\n'
# As Pants 2.33 makes it of a resolve, whose requirements are those of a project of its own.
ROOT = """
[[package]]
name = "resolve"
version = "0"
source = { virtual = "." }
dependencies = [{ name = "numpy" }]
"""


def package(name: str, version: str, more: str = "", source: str = REGISTRY) -> str:
    return f'\n[[package]]\nname = "{name}"\nversion = "{version}"\n{source}{more}'


def read(*packages: str, python: str = "3.11") -> Lockfile:
    text = HEAD + "".join(packages)
    assert is_uv_lock(text)
    return parse(text, marker_environments(python))


def pins(lockfile: Lockfile, *wanted: str, python: str = "3.11") -> List[str]:
    environments = marker_environments(python)
    requirements = [RequirementOf(text, "test") for text in wanted]
    return [pin.text for pin in pin_requirements(requirements, lockfile, "uv.lock", environments)]


def test_versions_and_what_they_require() -> None:
    locked = read(
        ROOT,
        package(
            "requests",
            "2.32.5",
            "dependencies = [\n"
            '    { name = "idna" },\n'
            '    { name = "win", marker = "sys_platform == \'win32\'" },\n'
            "]\n",
        ),
        package("idna", "3.20"),
        package("win", "1"),
        package("unused", "1"),
    )
    assert pins(locked, "requests>=2") == ["idna==3.20", "requests==2.32.5"]
    assert locked.python_versions == (">=3.10",)
    assert locked.has_edges and locked.has_extras and not locked.is_pexs
    assert "resolve" not in locked.distributions


def test_extras() -> None:
    more = (
        'dependencies = [{ name = "base", extra = ["speed"] }]\n\n'
        "[package.optional-dependencies]\n"
        'Http_2 = [{ name = "h2" }]\n'
    )
    speed = '\n[package.optional-dependencies]\nspeed = [{ name = "fast" }]\n'
    locked = read(
        package("client", "1", more),
        package("base", "2", speed),
        package("h2", "3"),
        package("fast", "4"),
    )
    assert pins(locked, "client") == ["base==2", "client==1", "fast==4"]
    assert pins(locked, "client[http-2]") == ["base==2", "client==1", "fast==4", "h2==3"]


def test_forks_are_for_other_environments() -> None:
    old = "resolution-markers = [\"python_full_version < '3.11'\"]\n"
    new = "resolution-markers = [\"python_full_version >= '3.11'\"]\n"
    packages = [
        '\n[[package]]\nname = "numpy"\nversion = "1.26.4"\n' + REGISTRY + old,
        '\n[[package]]\nname = "numpy"\nversion = "2.1.0"\n' + REGISTRY + new,
    ]
    assert pins(read(*packages), "numpy") == ["numpy==2.1.0"]
    assert pins(read(*packages, python="3.10"), "numpy", python="3.10") == ["numpy==1.26.4"]


def test_sources_that_are_no_index() -> None:
    git = 'source = { git = "https://host/x.git?rev=main#0123abc" }\n'
    below = 'source = { git = "https://host/y?subdirectory=a%2Fb&tag=1#4567def" }\n'
    url = 'source = { url = "https://host/z-1.zip", subdirectory = "c" }\n'
    locked = read(
        package("x", "1", source=git),
        package("y", "1", source=below),
        package("z", "1", source=url),
    )
    assert pins(locked, "x", "y", "z") == [
        "x @ git+https://host/x.git@0123abc",
        "y @ git+https://host/y@4567def#subdirectory=a/b",
        "z @ https://host/z-1.zip#subdirectory=c",
    ]


def test_what_is_not_of_pypi_is_known() -> None:
    public = 'source = { registry = "https://pypi.org/simple" }\n'
    own = 'source = { registry = "https://me:s3cret@own/simple" }\n'
    locked = read(
        package("public", "1", source=public),
        package("own", "1", source=own),
        package("links", "1", source='source = { registry = "wheels" }\n'),
        package("wheel", "1", source='source = { path = "my wheels/a.whl" }\n'),
    ).distributions
    assert {name: locked[name].index for name in locked} == {
        "public": None,
        "own": "https://own",
        "links": "a folder of one machine",
        "wheel": None,
    }
    # An error for a truss that needs it.
    assert locked["wheel"].url == "file:my%20wheels/a.whl"


@pytest.mark.parametrize("kind", ["editable", "directory", "virtual"])
def test_packages_of_the_project_are_no_distributions(kind: str) -> None:
    own = package("own", "1", source=f'source = {{ {kind} = "libs/own" }}\n')
    assert set(read(own, package("idna", "3")).distributions) == {"idna"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (package("a", "1") + package("a", "2"), "locks a more than once for one environment: a==1"),
        (package("a\\n--pre", "1"), "is not a distribution"),
        (package("a", "1\\n--pre"), "is not a distribution"),
        (package("a", "1", 'dependencies = [{ name = "b b" }]\n'), "requires 'b b', which cannot"),
        (package("a", "1", "dependencies = [5]\n"), "is not a uv.lock that can be read"),
        (package("a", "1", "x = \n"), "is not TOML"),
        (package("a", "1", "x = " + "[" * 3000), "is not TOML"),
        (
            package("a", "1", f"resolution-markers = [\"{'(' * 900}os_name == 'a'{')' * 900}\"]\n"),
            "is not a uv.lock that can be read",
        ),
        (
            package("a", "1", f"dependencies = [{{ name = 'b', marker = \"{'(' * 900}\" }}]\n"),
            "requires '.*, which cannot be read",
        ),
        (package("a", "1", source="source = {}\n"), "is not a uv.lock that can be read"),
        (
            package("a", "1", source='source = { url = "https://host/a b" }\n'),
            "'https://host/a b' is not a URL",
        ),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(TrussError, match=message):
        read(text)


def test_pythons_that_cannot_be_read() -> None:
    text = HEAD.replace(">=3.10", "x y") + package("a", "1")
    assert "x y" in text
    with pytest.raises(TrussError, match="is not a uv.lock that can be read"):
        parse(text, marker_environments("3.11"))


@given(st.text(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_read_or_refused(more: str, name: str, marker: str) -> None:
    entry = f"dependencies = [{{ name = {name!r}, marker = {marker!r} }}]\n"
    for text in (HEAD + more, HEAD + package("a", "1", entry), HEAD + package("a", "1", more)):
        try:
            parse(text, marker_environments("3.11"))
        except TrussError:
            continue
