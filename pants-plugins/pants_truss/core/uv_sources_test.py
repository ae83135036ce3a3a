from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.uv_sources import local_sources, locked_local_sources

PROJECT = """\
[project]
name = "a"
dependencies = ["libx>=1", "six"]
[tool.uv.sources]
"""


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ('libx = {path = "libx"}', [("libx", "libx")]),
        ('LibX = {path = "../libs/x", editable = true}', [("libx", "../libs/x")]),
        ('libx = {path = "x-1.0-py3-none-any.whl"}', [("libx", "x-1.0-py3-none-any.whl")]),
        ("libx = {workspace = true}", [("libx", "the workspace")]),
        # An image may have an absolute path.
        ('libx = {path = "/opt/libx"}', []),
        ('libx = {git = "https://x.y/z.git"}', []),
        ('libx = {index = "torch"}', []),
        ("libx = {workspace = false}", []),
        ('libx = [{path = "libx"}]', [("libx", "libx")]),
        ("libx = {path = 'libx', marker = \"sys_platform == 'linux'\"}", [("libx", "libx")]),
        ("libx = {path = 'libx', marker = 'no marker'}", []),
        ("libx = [{path = 'libx', marker = \"sys_platform == 'win32'\"}]", []),
        # Not a dependency, or one of an extra only.
        ('other = {path = "other"}', []),
        ("libx = 1", []),
        ("", []),
    ],
)
def test_sources_of_a_project(sources: str, expected: List[Tuple[str, str]]) -> None:
    assert [*local_sources(f"{PROJECT}{sources}\n".encode(), "3.11")] == expected


@pytest.mark.parametrize(
    ("dependency", "expected"),
    [
        ("libx; sys_platform == 'win32'", []),
        ("libx; python_version < '3.9'", []),
        ("libx; python_version >= '3.9'", [("libx", "libx")]),
        ("other @ file:libs/other", [("other", "file:libs/other")]),
        ("other @ https://x.y/z.whl", []),
    ],
)
def test_dependencies_of_a_project(dependency: str, expected: List[Tuple[str, str]]) -> None:
    text = f'[project]\ndependencies = ["{dependency}"]\n[tool.uv.sources]\n'
    assert [*local_sources(f'{text}libx = {{path = "libx"}}\n'.encode(), "3.11")] == expected


@pytest.mark.parametrize("content", [b"[", b"project = 1", b"[project]\ndependencies = 1", b"\xff"])
def test_a_project_that_uv_refuses(content: bytes) -> None:
    assert not local_sources(content, "3.11")
    assert not locked_local_sources(content, "3.11")


def package(name: str, source: str, *dependencies: str) -> str:
    listed = "".join(f"    {{ {each} }},\n" for each in dependencies)
    return (
        f'[[package]]\nname = "{name}"\nversion = "1"\nsource = {{ {source} }}\n'
        f"dependencies = [\n{listed}]\n"
    )


PYPI = 'registry = "https://pypi.org/simple"'


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ([package("libx", 'directory = "libx"')], [("libx", "libx")]),
        ([package("libx", 'editable = "../x"')], [("libx", "../x")]),
        ([package("libx", 'path = "x.whl"')], [("libx", "x.whl")]),
        ([package("libx", 'path = "/opt/x.whl"')], []),
        ([package("libx", PYPI)], []),
        # uv installs the dependencies of a member of a workspace that has no code.
        (
            [
                package("libx", 'virtual = "libx"', 'name = "deep"'),
                package("deep", 'directory = "deep"'),
            ],
            [("deep", "deep")],
        ),
        ([package("libx", PYPI), package("unused", 'directory = "unused"')], []),
        (
            [
                package("libx", PYPI, 'name = "deep", marker = "sys_platform == \'win32\'"'),
                package("deep", 'directory = "deep"'),
            ],
            [],
        ),
        ([package("libx", PYPI), package("libx", 'directory = "libx"')], []),
        (
            [
                package("libx", PYPI, 'name = "deep", marker = "sys_platform == \'linux\'"'),
                package("deep", 'directory = "deep"'),
            ],
            [("deep", "deep")],
        ),
    ],
)
def test_sources_of_a_lock(packages: List[str], expected: List[Tuple[str, str]]) -> None:
    project = package("a", 'virtual = "."', 'name = "libx"')
    assert [*locked_local_sources("".join([project, *packages]).encode(), "3.11")] == expected


def test_a_project_that_is_a_package() -> None:
    lock = package("a", 'editable = "."', 'name = "libx"') + package("libx", PYPI)
    assert locked_local_sources(lock.encode(), "3.11") == (("a", "."),)


@pytest.mark.parametrize(("group", "expected"), [("dev", (("libx", "../libx"),)), ("docs", ())])
def test_groups_of_a_lock(group: str, expected: Tuple[Tuple[str, str], ...]) -> None:
    """`uv export` takes the group `dev` without being asked."""
    groups = f'[package.dev-dependencies]\n{group} = [{{ name = "libx" }}]\n'
    lock = package("a", 'virtual = "."') + groups + package("libx", 'directory = "../libx"')
    assert locked_local_sources(lock.encode(), "3.11") == expected


@given(st.text(max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    local_sources(text.encode("utf-8", "replace"), "3.11")
    locked_local_sources(text.encode("utf-8", "replace"), "3.11")
