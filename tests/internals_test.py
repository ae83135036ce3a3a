"""What the plugin knows of Truss's own modules, held against the pinned release.

Each test fails if the release moves at that point: see docs/truss-internals.md.
"""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from pants_truss.core import examples, truss_config
from pants_truss.core.lint.model_class import ENDPOINTS
from pants_truss.core.local_serving import environment_variables
from pants_truss.core.truss_detection import FOREIGN_KEYS
from pants_truss.publish.scripts import baseten
from support.truss_library import TrussLibrary

CONFIG = "requirements:\n- |\n  numpy\n  pandas==2 \\\n    --hash=sha256:00\n- torch\n"
EXAMPLES = "- name: One\n  input: {a: 1}\n- name: Two\n  input: [b]\n"


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    base = tmp_path_factory.mktemp("internals")
    truss = base / "truss"
    (truss / "model").mkdir(parents=True)
    (truss / "model/model.py").write_text("")
    (truss / "config.yaml").write_text(CONFIG)
    (truss / "examples.yaml").write_text(EXAMPLES)
    found: Dict[str, Any] = TrussLibrary(base / "home").call("internals", str(truss))
    return found


def test_defaults_of_a_config(facts: Dict[str, Any]) -> None:
    config = truss_config.parse(b"")
    assert facts["defaults"] == {
        "data_dir": config.data_dir,
        "examples_filename": config.examples_filename,
        "python_version": config.python_version,
    }


def test_lines_of_requirements(facts: Dict[str, Any]) -> None:
    """Truss writes the entries as they are; pip and uv join what a backslash continues."""
    assert facts["requirements_txt"].splitlines() == [
        "numpy",
        "pandas==2 \\",
        "  --hash=sha256:00",
        "",
        "torch",
    ]
    assert len(truss_config.parse(CONFIG.encode()).requirement_lines) == 3


def test_values_of_environment_variables(facts: Dict[str, Any]) -> None:
    assert facts["environment_variables"] == environment_variables(
        {"environment_variables": {"A": True, "B": 1}}
    )
    assert facts["reserved_environment"] == ["HOSTNAME", "PORT"]


def test_examples(facts: Dict[str, Any]) -> None:
    ours = examples.parse("examples.yaml", EXAMPLES.encode())
    assert facts["examples"] == [[each.name, json.loads(each.input)] for each in ours]


def test_keys_of_other_tools(facts: Dict[str, Any]) -> None:
    assert not FOREIGN_KEYS & {*facts["config_keys"]}


def test_methods_that_are_endpoints(facts: Dict[str, Any]) -> None:
    assert [name.lower() for name in facts["methods"]] == sorted(ENDPOINTS)


def test_the_order_of_the_module_path(facts: Dict[str, Any]) -> None:
    """Bundled packages come last."""
    assert facts["packages"] == ["append"]


def test_states_of_a_deployment(facts: Dict[str, Any]) -> None:
    for state in facts["starting"]:
        assert baseten.Deployment("x", state).is_starting, state
    deployment = baseten.Deployment("x", facts["up"])
    assert not (deployment.has_failed or deployment.is_starting)


def test_secrets_of_a_remote(facts: Dict[str, Any]) -> None:
    """`publish/scripts/redact.py` has those that are secret; a time of expiry is not."""
    assert facts["secret_keys"] == [
        "api_key",
        "oauth_access_token",
        "oauth_expires_at",
        "oauth_refresh_token",
    ]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("raw_config_max_bytes", 100 * 1024),
        ("has_remote_team", True),
        ("not_found", "RESOURCE_NOT_FOUND"),
        ("deployment_name", [r"^[0-9a-zA-Z_\-\.]*$"]),
        ("update_check", ["TRUSS_NO_UPDATE_CHECK"]),
        ("timed_out", ['TimeoutError("Deployment timed out.")']),
        ("json_logging", ["DISABLE_JSON_LOGGING"]),
        ("failed_file", ["INFERENCE_SERVER_FAILED_FILE"]),
    ],
)
def test_names_and_limits(facts: Dict[str, Any], fact: str, expected: Any) -> None:
    assert facts[fact] == expected
