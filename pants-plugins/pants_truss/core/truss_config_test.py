from __future__ import annotations

import pytest

from pants_truss.core.errors import TrussError
from pants_truss.core.truss_config import TrussConfig, parse


def test_defaults_are_those_of_truss() -> None:
    assert parse(b"") == TrussConfig((), "packages")


def test_values() -> None:
    config = parse(
        b"external_package_dirs: [../b, ../a]\nbundled_packages_dir: ./x//y/\nmodel_module_dir: m\n"
    )
    assert config == TrussConfig(
        ("../b", "../a"), "x/y", model_module_dir="m", model_file="m/model.py"
    )
    assert config.is_scattered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "external_package_dirs: ../x",
            r"is the string '../x'. Write `external_package_dirs: \[../x\]`",
        ),
        ("external_package_dirs: 3", "is the number 3"),
        ("external_package_dirs:", r"is null. Write `external_package_dirs: \[../shared\]`"),
        ("external_package_dirs: {a: b}", "is a dict"),
        ("external_package_dirs: [1]", 'one entry is the number 1. Quote it: `"1"`'),
        ("external_package_dirs: [null]", "one entry is null"),
        ("bundled_packages_dir: /abs", "must be a folder inside the truss, but is '/abs'"),
        ("bundled_packages_dir: ../x", "must be a folder inside the truss"),
        ("bundled_packages_dir: a/../../x", "must be a folder inside the truss"),
        ("bundled_packages_dir: ''", "must be a folder inside the truss"),
        ("bundled_packages_dir: .", "must be a folder of its own in the truss"),
        ("bundled_packages_dir: a/..", "must be a folder of its own in the truss"),
        ("bundled_packages_dir: 1", "must be a string, but is the number 1"),
        ("bundled_packages_dir: model", "overlaps `model_module_dir` 'model'"),
        ("bundled_packages_dir: model/sub", "overlaps `model_module_dir`"),
        ("bundled_packages_dir: a\nmodel_module_dir: a/b", "overlaps `model_module_dir` 'a/b'"),
        ("data_dir: ../d", "`data_dir` is '../d', which lies outside the truss"),
        ("model_module_dir: ../m", "`model_module_dir` is '../m', which lies outside"),
        ("examples_filename: /e.yaml", "`examples_filename` is '/e.yaml', which lies outside"),
        ("bundled_packages_dir: config.yaml", "must be a folder of its own in the truss"),
        ("bundled_packages_dir: .truss_ignore", "must be a folder of its own in the truss"),
        ('bundled_packages_dir: "a\\0b"', "has the character"),
        ('bundled_packages_dir: "\\ud83d"', "has the character"),
        ('external_package_dirs: ["\\ud83d"]', "has the character"),
        ("model_module_dir: [x]", "`model_module_dir` must be a string"),
        (
            "requirements_file: ../r/reqs.txt",
            "Move it into the truss and write `requirements_file: reqs.txt`",
        ),
        ("requirements_file: /etc/reqs.txt", "lies outside the truss and"),
    ],
)
def test_bad_values(text: str, message: str) -> None:
    with pytest.raises(TrussError, match=message):
        parse(text.encode())


def test_a_name_that_only_starts_like_the_model_folder_is_fine() -> None:
    assert parse(b"bundled_packages_dir: models\n").bundled_packages_dir == "models"
