from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.errors import TrussError
from pants_truss.core.training import EntryPoint, parse_entry_point


@pytest.mark.parametrize(
    "value, entry_point",
    [
        ("train.py", EntryPoint(file="train.py")),
        ("./training/train.py", EntryPoint(file="training/train.py")),
        ("train:main", EntryPoint(module="train", function="main")),
        ("training.fit_2:_run", EntryPoint(module="training.fit_2", function="_run")),
    ],
)
def test_entry_points(value: str, entry_point: EntryPoint) -> None:
    assert parse_entry_point(value) == entry_point


@pytest.mark.parametrize(
    "value, message",
    [
        ("", "'' is neither"),
        ("../train.py", "lies outside the folder"),
        ("/train.py", "lies outside the folder"),
        ("training/train.py:main", "Write `training.train:main`"),
        ("train.py:main", "Write `train:main`"),
        ("training.train", "Write `training.train:main`"),
        ("train:main()", "is neither"),
        ("train:", "is neither"),
        ("./a//train.py:main", "Write `a.train:main`"),
        ("a b.py:c", "is neither"),
        ("../train.py:main", "is neither"),
        ("1a:b", "is neither"),
    ],
)
def test_bad_entry_points(value: str, message: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_entry_point(value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "value, file",
    [
        ("a/../train.py", "train.py"),
        ("training//./train.py", "training/train.py"),
        ("a b/train-2.py", "a b/train-2.py"),
        ("training.train.py", "training.train.py"),
        ("a:b/train.py", "a:b/train.py"),
    ],
)
def test_files(value: str, file: str) -> None:
    assert parse_entry_point(value) == EntryPoint(file=file)


@pytest.mark.parametrize("value", ["happy:py", "py:main", "a.b.c:_", "model2.fit:run3"])
def test_functions(value: str) -> None:
    module, _, function = value.partition(":")
    assert parse_entry_point(value) == EntryPoint(module=module, function=function)


@pytest.mark.parametrize("value", ["a/../../train.py", "..//train.py", "//train.py"])
def test_a_file_outside_the_folder_is_an_error(value: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_entry_point(value)
    assert str(caught.value) == (
        f"{value!r} lies outside the folder of the BUILD file. Name the function as "
        f"`module:function`, or move the target to the folder of the file."
    )


@pytest.mark.parametrize(
    "value", ["a:b:c", "a..b:c", ".a:b", "a.:b", "a:b.c", "a-b:c", "a:b\n", " a:b", "a/b", "a/b:c"]
)
def test_values_that_are_neither_a_file_nor_a_function(value: str) -> None:
    with pytest.raises(TrussError) as caught:
        parse_entry_point(value)
    assert str(caught.value) == (
        f"{value!r} is neither a file nor a function. Write `train.py` or `training.train:main`."
    )


PARTS = st.sampled_from(["a", "b1", "_c", ".", "..", "/", ":", ".py", "main", " ", "é", "-"])


@given(st.lists(PARTS, max_size=6).map("".join) | st.text())
def test_any_value_is_a_file_or_a_function_or_an_error(value: str) -> None:
    try:
        found = parse_entry_point(value)
    except TrussError as error:
        assert str(error).startswith(f"{value!r} ")
        return
    if found.file:
        assert (found.module, found.function) == (None, None)
        assert not found.file.startswith(("/", "../")) and found.file.endswith(".py")
        assert parse_entry_point(found.file) == found
    else:
        assert f"{found.module}:{found.function}" == value
        parts = [*(found.module or "").split("."), found.function or ""]
        assert all(part and not part[0].isdigit() for part in parts)
