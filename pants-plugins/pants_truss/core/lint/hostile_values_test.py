"""Values that no one writes by accident: each is reported in one visible line. Nothing raises."""

from __future__ import annotations

import math
from typing import Any, Dict, List

import pytest

from pants_truss.core import yaml_document
from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.config_schema import schema_problems
from pants_truss.core.lint.finding import Finding
from pants_truss.core.lint.injection import injection_problems
from pants_truss.core.lint.problem import dotted
from pants_truss.core.lint.release import default_release
from pants_truss.core.lint.secret_scan import scan
from pants_truss.core.lint.truss_errors import truss_error
from pants_truss.core.terminal import visible

RELEASE = default_release()

# Python 3.9.18 refuses to convert so many digits.
DIGITS = "9" * 5000


def told(config: Dict[str, Any]) -> List[str]:
    return [p.message for check in (schema_problems, rule_problems) for p in check(config, RELEASE)]


@pytest.mark.parametrize("count", ["²", "٣", "1.5", "0", "000", "", "-1", " 1"])
def test_invalid_counts_of_accelerators(count: str) -> None:
    (message,) = told({"resources": {"accelerator": f"L4:{count}"}})
    assert "its count is not a whole number" in message


@pytest.mark.parametrize("count", ["1", "08", DIGITS])
def test_counts_of_any_length(count: str) -> None:
    assert not told({"resources": {"accelerator": f"L4:{count}"}})


def test_a_version_of_many_digits() -> None:
    (message,) = told({"python_version": f"py3{DIGITS}"})
    assert message.endswith("Write `python_version: py314`.")


@pytest.mark.parametrize("step", ["²", DIGITS])
def test_keys_of_truss_that_only_look_like_places_in_a_list(step: str) -> None:
    document = yaml_document.parse(b"secrets: {}\n")
    finding = truss_error("config.yaml", document, ("secrets", step), "Bad", (0, 18, 35))
    assert f"`secrets.{step}`: Bad." in finding.message


@pytest.mark.parametrize(
    ("value", "limit"),
    [(-(10**400), "at least 1"), (10**400, "at most 2048"), (math.nan, "at least 1")],
)
def test_numbers_beyond_all_bounds(value: float, limit: str) -> None:
    build = {"base_model": "llama", "checkpoint_repository": {"source": "HF", "repo": "x"}}
    messages = told({"trt_llm": {"build": {**build, "max_batch_size": value}}})
    # `.nan` is reported as not a whole number instead.
    expected = "must be a whole number" if value != value else limit
    assert [message for message in messages if "max_batch_size" in message and expected in message]


def test_a_share_that_is_not_a_number() -> None:
    build = {"base_model": "llama", "lora_adapters": {}}
    runtime = {"lora_cache_gpu_memory_fraction": math.nan}
    messages = told({"trt_llm": {"build": build, "runtime": runtime}})
    assert [m for m in messages if "lora_cache_gpu_memory_fraction` is nan, but must be" in m]


def test_what_a_terminal_would_obey_is_visible() -> None:
    (problem,) = schema_problems({"\x1b[31mx\nerror\x9b": 1}, RELEASE)
    assert problem.message.startswith(r"unknown key `\x1b[31mx\nerror\x9b`; ")
    assert visible("a\nb\tc\r\x7f\ud800é") == "a\nb\\tc\\r\\x7f\\ud800é"
    assert dotted(("a\nb", 0, "c\x1b")) == r"a\nb[0].c\x1b"
    assert "\x1b" not in Finding("secret", "x", "\x1b[2J").text


def test_a_mix_in_the_older_name_of_a_key() -> None:
    entry = {"repo_id": "x", "use_volume": True, "volume_folder": "v", "revision": "r"}
    messages = told({"hf_cache": [entry, {"repo_id": "y"}]})
    assert "`hf_cache` mixes entries with and without `use_volume: true`." in messages
    assert not [message for message in messages if "`model_cache`" in message]


def test_a_train_block_of_nulls() -> None:
    keys = ("training_module_dir", "training_class_filename", "training_class_name")
    (message,) = told({"train": dict.fromkeys(keys)})
    assert 'entry_point="train.train:main"' in message and "`Train.train`" in message


def test_the_same_folder_for_two_weights() -> None:
    weights = [{"source": f"hf://a/{n}", "mount_location": m} for n, m in enumerate(["/x", "//x/"])]
    assert [m for m in told({"weights": weights}) if "as is that of `weights[0]`" in m]


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("x\rautorestart=true\r[program:evil]\rcommand=id", "a carriage return"),
        ("; python serve.py", "ends at"),
        ("\t#python serve.py", "ends at"),
    ],
)
def test_commands_that_supervisord_reads_otherwise(command: str, word: str) -> None:
    server = {"start_command": command, "server_port": 8000}
    (problem,) = injection_problems({"docker_server": server})
    assert problem.key == ("docker_server", "start_command") and word in problem.message


@pytest.mark.parametrize("escape", [b"\\n", b"\\r", b"\\t", b"\\r\\n"])
def test_a_credential_after_an_escaped_line_break(escape: bytes) -> None:
    token = b"ghp_" + b"aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA3"
    (secret,) = scan("keys.json", b'{"k": "a' + escape + token + b'"}')
    assert secret.what == "a GitHub token"
    # A word that ends like the beginning of a token is not a token.
    assert not list(scan("keys.json", b'{"k": "an' + token + b'"}'))
