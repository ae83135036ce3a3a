from __future__ import annotations

from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pants.core.goals.package import OutputPathField
from pants.engine.addresses import Address
from pants.engine.target import InvalidFieldException, InvalidTargetException
from pants.source.filespec import FilespecMatcher

from pants_truss.core.errors import TrussError
from pants_truss.core.training import parse_entry_point
from pants_truss.pants_api import SecondaryOwnerMixin
from pants_truss.target_types.training import (
    TrussTrainingDependenciesField,
    TrussTrainingEntryPointField,
    TrussTrainingTarget,
    TrussTrainingTrussField,
)
from pants_truss.target_types.truss import TrussConfigField

ADDRESS = Address("src/é x", target_name="train")


def includes(value: str, address: Address = ADDRESS) -> List[str]:
    found: List[str] = TrussTrainingEntryPointField(value, address).filespec["includes"]
    return found


def test_an_entry_point_is_required() -> None:
    with pytest.raises(InvalidTargetException) as error:
        TrussTrainingTarget({}, ADDRESS)
    message = str(error.value).replace("`", "'")
    assert "The 'entry_point' field in target src/é x:train must be defined." in message


@pytest.mark.parametrize("raw", [3, ["train.py"], {"file": "train.py"}])
def test_an_entry_point_is_a_string(raw: Any) -> None:
    with pytest.raises(InvalidFieldException) as error:
        TrussTrainingEntryPointField(raw, ADDRESS)
    assert "The 'entry_point' field in target src/é x:train must be a string" in str(error.value)


@pytest.mark.parametrize(
    "value, expected",
    [
        ("train.py", ["src/é x/train.py"]),
        ("./a//train.py", ["src/é x/a/train.py"]),
        ("a/../b.py", ["src/é x/b.py"]),
        # A value that is not a file in the folder owns no file.
        ("../train.py", []),
        ("/train.py", []),
        ("training.fit:main", []),
        ("train.py:main", []),
        ("train", []),
        ("", []),
    ],
)
def test_run_of_the_file_runs_the_target(value: str, expected: List[str]) -> None:
    assert includes(value) == expected


def test_at_the_root_of_the_repository() -> None:
    assert includes("train.py", Address("", target_name="train")) == ["train.py"]


@given(st.text(max_size=12) | st.text(max_size=8).map(lambda text: f"{text}.py"))
def test_a_target_owns_the_file_it_runs(value: str) -> None:
    """Pants asks for the owners of files before any check, so no value may raise."""
    found = includes(value)
    try:
        file = parse_entry_point(value).file
    except TrussError:
        file = None
    if file:
        assert found == [f"src/é x/{file}"]
    assert len(found) <= 1


def test_a_folder_with_a_truss_runs_the_truss() -> None:
    """Pants 2.18 and later rank the targets of a file; before that the class has no effect."""
    field = TrussTrainingEntryPointField("train.py", ADDRESS)
    assert isinstance(field, SecondaryOwnerMixin)
    matcher = FilespecMatcher(field.filespec["includes"], [])
    assert matcher.matches(["src/é x/train.py", "src/é x/other.py", "train.py"]) == [
        "src/é x/train.py"
    ]


def test_values_of_fields() -> None:
    target = TrussTrainingTarget(
        {
            "entry_point": "fit:main",
            "truss": ":prod",
            "dependencies": ["//3rdparty:x", "!:y"],
            "output_path": "jobs/fit",
        },
        ADDRESS,
    )
    assert target[TrussTrainingEntryPointField].value == "fit:main"
    assert target[TrussTrainingTrussField].value == ":prod"
    assert target[TrussTrainingDependenciesField].value == ("//3rdparty:x", "!:y")
    assert target[OutputPathField].value == "jobs/fit"


def test_a_training_target_is_not_a_truss() -> None:
    """Goals that select all trusses of a folder ignore training targets."""
    target = TrussTrainingTarget({"entry_point": "train.py"}, ADDRESS)
    assert not target.has_field(TrussConfigField)
    assert target[TrussTrainingTrussField].value is None
