from __future__ import annotations

from typing import Tuple

import pytest

from pants_truss.core.environment import (
    Distribution,
    Wanted,
    disagreements,
    joint_requirements,
    own_requirements,
)
from pants_truss.core.errors import TrussError
from pants_truss.core.requirement import lines_of

SERVER = [
    "-i https://example.com/simple",
    "",
    "# base",
    "fastapi>=0.114,<0.125.0",
    "numpy<2.0 # old",
]
CONSTRAINTS = ["fastapi<0.137", "numpy<3.0"]


def test_own_requirements_stay_within_the_servers_bounds() -> None:
    assert own_requirements(["pandas", "rich==1"], SERVER, CONSTRAINTS) == Wanted(
        ("pandas", "rich==1"),
        ("fastapi<0.137", "fastapi>=0.114,<0.125.0", "numpy<2.0", "numpy<3.0"),
    )


def test_what_the_truss_lists_replaces_what_the_server_does() -> None:
    assert own_requirements(["NumPy==2.1"], SERVER, CONSTRAINTS) == Wanted(
        ("NumPy==2.1",), ("fastapi<0.137", "fastapi>=0.114,<0.125.0", "numpy<3.0")
    )
    assert joint_requirements(["NumPy==2.1"], SERVER, CONSTRAINTS) == Wanted(
        ("NumPy==2.1", "fastapi>=0.114,<0.125.0"), ("fastapi<0.137", "numpy<3.0")
    )


def test_where_pip_looks_is_left_to_pants() -> None:
    listed = ["--extra-index-url https://example.com/simple", "--find-links=wheels", "rich"]
    assert own_requirements(listed, [], []) == Wanted(("rich",))


@pytest.mark.parametrize(
    "line, message",
    [
        ("lib @ https://user:token@example.com/lib.whl", "'lib @ https://***@example.com/lib.whl'"),
        ("git+https://token@example.com/lib.git", "has credentials"),
        ("-r more.txt", "'-r more.txt' works in an image only"),
        ("-e .", "works in an image only"),
        ("./wheels/lib.whl", "find_links"),
        ("not a requirement!", "is not a requirement"),
    ],
)
def test_what_cannot_be_installed_here(line: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        own_requirements([line], SERVER, CONSTRAINTS)
    assert message in str(caught.value)
    assert "token" not in str(caught.value)


def test_lines_of_a_requirements_file() -> None:
    text = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb  # why\n\n"
    assert [line.strip() for line in lines_of(text)] == ["a==1", "b  # why", ""]


def dist(name: str, version: str, *requires: str) -> Distribution:
    return Distribution(name, version, requires)


SERVER_DISTRIBUTIONS = (
    dist("fastapi", "0.124", "starlette<0.51,>=0.40", "Pydantic-Core>=1; extra == 'all'"),
    dist("starlette", "0.50"),
    dist("pydantic_core", "2.0"),
    dist("tomli", "1.0"),
)


@pytest.mark.parametrize(
    "own, found",
    [
        ((), ()),
        ((dist("rich", "13", "pygments>2"),), ()),
        ((dist("starlette", "0.50.3"),), ()),
        (
            (dist("Starlette", "0.60"),),
            ("fastapi 0.124 requires starlette<0.51,>=0.40, but Starlette is 0.60",),
        ),
        # Only the one in front is imported: what the other would require does not matter.
        ((dist("fastapi", "0.130"), dist("starlette", "0.60")), ()),
        ((dist("a", "1", "tomli>=2; python_version < '3.11'"),), ()),
        (
            (dist("a", "1", "tomli>=2; python_version >= '3.11'"),),
            ("a 1 requires tomli>=2; python_version >= '3.11', but tomli is 1.0",),
        ),
        # An extra that nobody has asked for.
        ((dist("pydantic-core", "0.1"),), ()),
        ((dist("starlette", "0.50.dev1"),), ()),
        ((dist("starlette", "local-build"),), ()),
    ],
)
def test_disagreements(own: Tuple[Distribution, ...], found: Tuple[str, ...]) -> None:
    assert disagreements(own, SERVER_DISTRIBUTIONS, "3.11") == found
