from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import pytest

from pants_truss.core.local_serving import accelerator, left_to_images, needs_image


@pytest.mark.parametrize(
    "data, key",
    [
        ({}, None),
        ({"docker_server": None}, None),
        ({"docker_server": {"server_port": 80}}, "docker_server"),
        ({"trt_llm": {"build": {}}}, "trt_llm"),
        ({"bis_llm": {"x": 1}}, "bis_llm"),
    ],
)
def test_other_servers(data: Dict[str, Any], key: Optional[str]) -> None:
    assert needs_image(data) == key


@pytest.mark.parametrize(
    "resources, gpu",
    [
        (None, None),
        ([], None),
        ({"cpu": "1"}, None),
        ({"accelerator": None}, None),
        ({"accelerator": "L4:2"}, "L4:2"),
        ({"use_gpu": True}, "a GPU"),
        ({"use_gpu": False}, None),
    ],
)
def test_gpus(resources: Any, gpu: Optional[str]) -> None:
    assert accelerator({"resources": resources}) == gpu


@pytest.mark.parametrize(
    "data, keys",
    [
        ({"system_packages": [], "weights": None}, ()),
        (
            {
                "external_data": [{"url": "x"}],
                "system_packages": ["ffmpeg"],
                "secrets": {"a": None},
            },
            ("system_packages", "external_data"),
        ),
    ],
)
def test_keys_that_need_an_image_build(data: Dict[str, Any], keys: Tuple[str, ...]) -> None:
    assert left_to_images(data) == keys
