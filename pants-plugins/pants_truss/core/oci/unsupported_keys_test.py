from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from pants_truss.core.dockerfile import parse
from pants_truss.core.oci.unsupported_keys import advice, dockerfile_keys, unknown_commands


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
    assert "or a `base` that already has it" in advice(("system_packages",))
    assert advice(("system_packages", "docker_server")) == 'Use `builder="docker"`.'


# As Truss 0.18.35 writes them, with and without a `base_image`.
RUNS = r"""
FROM x
RUN mkdir -p ${APP_HOME} /control
RUN useradd -u 60000 -ms /bin/bash app
RUN grep -w 'ID=debian\|ID_LIKE=debian' /etc/os-release || { echo "ERROR"; exit 1; }
RUN $(which python3) -c "import sys; \
    sys.exit(0)" || { exit 1; }
RUN /usr/bin/python3 -c "import sys; sys.exit(0)"
RUN if [ -f /etc/apt/sources.list ]; then \
    sed -i.bak 's|http://archive.ubuntu.com/ubuntu/|mirror://x|g' /etc/apt/sources.list; \
fi
RUN command -v curl >/dev/null 2>&1 || (apt update && apt install -y curl)
RUN if ! command -v uv >/dev/null 2>&1; then \
    curl -LsSf --retry 5 --retry-delay 5 https://x/install.sh | sh && \
    test -x ${HOME}/.local/bin/uv; \
fi
RUN UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-300} uv pip install --system --python $(which python3) -r requirements.txt -c constraints.txt --no-cache-dir
RUN uv export --frozen --format requirements-txt > /tmp/uv_requirements.txt && uv pip install -r /tmp/uv_requirements.txt
RUN mkdir -p /packages
"""  # noqa: E501


def test_commands_that_an_image_does_not_need() -> None:
    assert unknown_commands(parse(RUNS)) == ()


@pytest.mark.parametrize(
    "command",
    [
        "uv pip install mkl",
        "apt-get update && apt-get install --yes $(cat system_packages.txt)",
        "curl -L http://x -o /app/data/x",
        "mkdir -p /x && touch /x/y",
        # Truss's Dockerfile runs this on bases other than Truss's own.
        "apt update && apt install -y bash build-essential git curl ca-certificates",
        "useradd -u 60000 -ms /bin/bash app && touch /x",
        "uv pip install -r requirements.txt && touch /x",
        "command -v curl >/dev/null 2>&1 || (apt update && apt install -y curl) && touch /x",
    ],
)
def test_unknown_commands(command: str) -> None:
    assert unknown_commands(parse(f"FROM x\nRUN {command}")) == (command,)
