from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from pants_truss.core.oci.dockerfile_only import advice, dockerfile_keys


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ({}, ()),
        ({"system_packages": [], "build_commands": None, "live_reload": False}, ()),
        (
            {"build_commands": ["a"], "system_packages": ["b"]},
            ("system_packages", "build_commands"),
        ),
        ({"runtime": {"remote_ssh": {"enabled": True}}}, ("runtime.remote_ssh",)),
        ({"runtime": {"remote_ssh": {"enabled": False}}}, ()),
        ({"runtime": "odd"}, ()),
        ({"docker_server": {"server_port": 1}}, ("docker_server",)),
    ],
)
def test_keys(data: Dict[str, Any], keys: Tuple[str, ...]) -> None:
    assert dockerfile_keys(data) == keys


def test_advice() -> None:
    assert "or a `base` in which it is done" in advice(("system_packages",))
    assert advice(("system_packages", "docker_server")) == 'Use `builder="docker"`.'
