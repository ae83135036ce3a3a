"""The files of a project that uv reads, and how its answers become requirements."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.uv_project import (
    annotated_registries,
    as_requirements,
    compile_arguments,
    describe_failure,
    locked_registries,
    static_dependencies,
)


@pytest.mark.parametrize(
    ("indexes", "links", "options"),
    [
        (["https://pypi.org/simple/"], [], []),
        (
            ["https://own/simple", "https://pypi.org/simple"],
            ["file:///w"],
            [
                "--default-index=https://own/simple",
                "--index=https://pypi.org/simple",
                "--find-links=file:///w",
            ],
        ),
        ([], ["file:///w"], ["--no-index", "--find-links=file:///w"]),
    ],
)
def test_uv_asks_the_indexes_of_pants(
    indexes: List[str], links: List[str], options: List[str]
) -> None:
    arguments = compile_arguments("3.11", indexes, links, is_linux=True)
    places = ("--default-index", "--index=", "--no-index", "--find-links")
    assert [each for each in arguments if each.startswith(places)] == options
    assert {"--python-version=3.11", "--python-platform=linux"} <= set(arguments)
    assert "--universal" in compile_arguments("3.11", indexes, links, is_linux=False)


HASH = f"--hash=sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[project]\nname = "x"\ndependencies = ["rich>=13", "numpy"]\n', ("rich>=13", "numpy")),
        ('\ufeff[project]\ndependencies = ["rich"]\n', ("rich",)),
        ('[project]\nname = "x"\ndynamic = ["version"]\n', ()),
        # Only a build backend knows.
        ('[project]\nname = "x"\ndynamic = ["dependencies"]\n', None),
        ('[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\nrich = "^13"\n', None),
        ("", None),
        # uv takes them from somewhere else.
        (
            '[project]\ndependencies = ["rich"]\n[tool.uv.sources]\nrich = {git = "https://h/r"}\n',
            None,
        ),
        ('[project]\ndependencies = ["rich"]\n[[tool.uv.index]]\nurl = "https://h/simple"\n', None),
        ('[project]\ndependencies = ["rich"]\n[tool.ruff]\nline-length = 1\n', ("rich",)),
    ],
)
def test_which_projects_are_read_without_uv(text: str, found: Optional[Tuple[str, ...]]) -> None:
    assert static_dependencies("t/pyproject.toml", text.encode()) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project\n", "t/pyproject.toml is not TOML"),
        ('[project]\ndependencies = "rich"\n', "`project.dependencies` is not a list of strings"),
    ],
)
def test_projects_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        static_dependencies("t/pyproject.toml", text.encode())
    assert message in str(caught.value)


LOCK = b"""
[[package]]
name = "public"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "Own.Kit"
source = { registry = "https://me:s3cret@own/simple" }

[[package]]
name = "from-git"
source = { git = "https://host/x#0123" }
"""


def test_registries_of_a_lock() -> None:
    assert locked_registries("uv.lock", LOCK) == {"own-kit": "https://me:s3cret@own/simple"}


def test_registries_that_uv_writes_beside_pins() -> None:
    output = (
        f"public==1.0 \\\n    {HASH}\n    # via x\n    # from https://pypi.org/simple\n"
        f"own-kit==2.0 ; python_version < '3.12' \\\n    {HASH}\n    # from https://own/simple\n"
    )
    assert annotated_registries(output.encode()) == {"own-kit": "https://own/simple"}


def requirements(text: str, registries: Dict[str, str], *known: str) -> Tuple[str, ...]:
    return as_requirements(text.encode(), registries, known, "t/uv.lock")


def test_another_index_is_asked_for_what_has_a_hash() -> None:
    text = f"own-kit==2.0 \\\n    {HASH}\n    # via x\npublic==1.0 \\\n    {HASH}\n"
    lines = (f"own-kit==2.0 {HASH}", f"public==1.0 {HASH}")
    registries = {"own-kit": "https://me:s3cret@own/simple", "unused": "https://other/simple"}
    found = requirements(text, registries)
    assert found == ("--extra-index-url https://own/simple", *lines)
    # Pants asks it anyway.
    assert requirements(text, registries, "https://own/simple/") == lines


def test_a_name_of_another_index_is_never_looked_up_without_its_hash() -> None:
    text = f"own-kit==2.0 \\\n    {HASH}\nx @ git+https://host/x@0123\n"
    registries = {"own-kit": "https://me:s3cret@own/simple"}
    with pytest.raises(TrussError) as caught:
        requirements(text, registries)
    message = str(caught.value)
    assert message.startswith("own-kit comes from the index https://***@own/simple. Only its hash")
    assert "'x @ git+https://host/x@0123'" in message and "[python-repos].indexes" in message
    assert requirements(text, registries, "https://own/simple")[1].startswith("x @ git+")
    assert requirements("x @ git+https://host/x@0123\n", registries)


def test_a_folder_of_wheels_is_not_in_an_image() -> None:
    with pytest.raises(TrussError, match="takes own-kit from the folder 'wheels', which is not"):
        requirements(f"own-kit==2.0 {HASH}\n", {"own-kit": "wheels"})


def test_the_error_of_uv_is_shown() -> None:
    stderr = "warning: x\nerror: Failed to parse `uv.lock`\n  Caused by: https://a:s3cret@h\n"
    assert describe_failure(stderr, "export --frozen", "t/uv.lock") == (
        "`uv export --frozen` fails for t/uv.lock, and so it does in an image:\n"
        "  error: Failed to parse `uv.lock`\n    Caused by: https://***@h"
    )
    assert describe_failure("no word\n", "x", "y").endswith("  no word")
