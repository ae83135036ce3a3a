from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

import pytest

from pants_truss.core.lockfile import parse
from pants_truss.core.provided_requirements import brings_modules, other_source, required_by
from pants_truss.core.requirement import marker_environments


@pytest.mark.parametrize(
    ("wanted", "modules", "listed", "brings"),
    [
        ("opencv-python", ["cv2"], "opencv-python-headless", True),
        ("cupy", ["cupy"], "cupy-cuda12x", True),
        ("mmcv", ["mmcv"], "mmcv-full", True),
        ("opencv-python-headless", ["cv2"], "opencv-contrib-python", True),
        ("psycopg2", ["psycopg2"], "psycopg2-binary", True),
        ("tensorflow", ["tensorflow"], "tensorflow-cpu", True),
        ("tf-nightly", ["tf"], "tf-nightly-gpu", True),
        ("faiss-gpu", ["faiss"], "faiss-cpu", True),
        ("onnxruntime", ["onnxruntime"], "onnxruntime-gpu", True),
        ("pillow", ["PIL"], "pillow-simd", True),
        ("torch", ["torch"], "torchvision", False),
        ("gpu", ["gpu"], "cpu", False),
        ("scikit-learn", ["sklearn"], "scikit-image", False),
        ("opencv-python", ["cv2"], "opencv-contrib-python-headless", True),
        # A distribution that is known to have only one of the modules.
        ("two", ["cv2", "more"], "other-cv", False),
        ("two", [], "other-cv", False),
        ("sub", ["cv2.gapi"], "other-cv", True),
        ("other", ["cv23"], "other-cv", False),
    ],
)
def test_distributions_with_the_same_modules(
    wanted: str, modules: Sequence[str], listed: str, brings: bool
) -> None:
    known = {"other-cv": ("cv2",)}
    assert brings_modules(wanted, modules, ["rich", listed], known) is brings


def test_what_the_listed_ones_require() -> None:
    lock = (
        b"transformers==4\n    # via -r x\nnumpy==1\n    # via transformers\n"
        b"lib==1\n    # via numpy\nother==1\n    # via -r x\n"
    )
    environments = marker_environments("3.11")
    locked = parse(lock, environments)
    found = required_by(["transformers", "unknown"], locked, environments)
    assert found == {"transformers", "numpy", "lib"}


@pytest.mark.parametrize(
    ("config", "source"),
    [
        ({}, None),
        ({"base_image": None}, None),
        ({"base_image": {"image": ""}}, None),
        (
            {"base_image": {"image": "pytorch/pytorch:2.3.0"}},
            "the base image pytorch/pytorch:2.3.0",
        ),
        ({"trt_llm": {"build": {}}}, "the image for `trt_llm`"),
        ({"bis_llm": {"model": "x"}, "trt_llm": None}, "the image for `bis_llm`"),
        ({"build_commands": ["pip install torch"]}, "a build command"),
        ({"build_commands": ["cd /x && uv pip install ."]}, "a build command"),
        ({"build_commands": ["python -m pip install torch"]}, "a build command"),
        ({"build_commands": ["bash install.sh"]}, "a build command"),
        ({"build_commands": ["apt-get install -y ffmpeg"]}, None),
        ({"build_commands": "pip install"}, None),
        ({"system_packages": ["ffmpeg", "python3-opencv"]}, "the system package python3-opencv"),
        ({"system_packages": ["python3.11-numpy"]}, "the system package python3.11-numpy"),
        ({"system_packages": ["ffmpeg", "libpython3"]}, None),
    ],
)
def test_other_sources_of_distributions(config: Dict[str, Any], source: Optional[str]) -> None:
    assert other_source(config) == source
