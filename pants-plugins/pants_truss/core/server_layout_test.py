from __future__ import annotations

from typing import Dict

import pytest

from pants_truss.core.gathered import GatheredFile
from pants_truss.core.server_layout import place_in_image, served_folders
from pants_truss.core.truss_config import parse


def layout(config: str, *paths: str) -> Dict[str, str]:
    files = [GatheredFile(path, "0" * 64, 1, False, None, None, "truss") for path in paths]
    return {path: file.path for path, file in place_in_image(files, parse(config.encode())).items()}


def test_the_layout_of_an_image() -> None:
    paths = ["config.yaml", "examples.yaml", "model/model.py", "data/x.bin", "packages/a/b.py"]
    assert layout("", *paths, "bin/run.sh", "models/x", "data") == {
        "app/data/x.bin": "data/x.bin",
        "app/model/model.py": "model/model.py",
        "packages/a/b.py": "packages/a/b.py",
    }


@pytest.mark.parametrize(
    "config, path, place",
    [
        ("data_dir: weights/small", "weights/small/x", "app/data/x"),
        ("data_dir: ./weights/", "weights/x", "app/data/x"),
        ("bundled_packages_dir: lib/py", "lib/py/a.py", "packages/a.py"),
        ("model_module_dir: code", "code/model.py", "app/model/model.py"),
        ("model_module_dir: a/b", "a/b/model.py", "app/model/model.py"),
    ],
)
def test_folders_that_the_config_names(config: str, path: str, place: str) -> None:
    assert layout(config, path, "other/x") == {place: path}


def test_data_that_is_the_truss_itself() -> None:
    assert layout("data_dir: .", "config.yaml", "model/model.py") == {
        "app/data/config.yaml": "config.yaml",
        "app/data/model/model.py": "model/model.py",
        "app/model/model.py": "model/model.py",
    }


def test_an_image_has_the_files_of_the_served_folders_alone() -> None:
    config = "data_dir: weights\nbundled_packages_dir: vendor/py\n"
    assert served_folders(parse(config.encode())) == ("weights", "model", "vendor/py")
