from __future__ import annotations

from typing import Optional, Tuple

import pytest

from pants_truss.core import yaml_document
from pants_truss.core.lint.finding import Finding, Severity
from pants_truss.core.lint.truss_errors import truss_error

CONFIG = b"""\
resources:
  cpu: four
weights:
  - source: hf://a/b
  - source: ftp://a
runtime:
  transport: {kind: grpc, http: 1}
trt_llm:
  build:
    base_model: v1
environment_variables: {"12": {}}
model_metadata: {v1: {http: 1}}
http: {transport: 1}
"""
DOCUMENT = yaml_document.parse(CONFIG)


def error(key: Tuple[str, ...], message: str = "Bad") -> Finding:
    return truss_error("t/config.yaml", DOCUMENT, key, message, (0, 18, 35))


def test_a_finding_of_truss_itself() -> None:
    assert error(("resources", "cpu"), "Value error, Invalid cpu specification four.") == Finding(
        "config-schema",
        "t/config.yaml",
        "Truss 0.18.35 refuses it: `resources.cpu`: Invalid cpu specification four.",
        Severity.ERROR,
        2,
        3,
    )


@pytest.mark.parametrize(
    ("key", "shown", "line"),
    [
        (("weights", "1", "source"), "weights[1].source", 5),
        (("weights", "7", "source"), "weights[7].source", 3),
        (("trt_llm", "v1", "build", "base_model"), "trt_llm.build.base_model", 10),
        (("trt_llm", "v2", "build"), "trt_llm.build", 9),
        (("runtime", "transport", "grpc", "kind"), "runtime.transport.kind", 7),
        (("runtime", "transport", "websocket", "http"), "runtime.transport.http", 7),
        # The same words where they are keys.
        (("model_metadata", "v1"), "model_metadata.v1", 12),
        (("model_metadata", "v1", "http"), "model_metadata.v1.http", 12),
        (("http", "transport"), "http.transport", 13),
        (("trt_llm", "http"), "trt_llm.http", 8),
        # What pydantic calls the key of a mapping, as opposed to its value.
        (("environment_variables", "A", "[key]"), "environment_variables.A", 11),
        (("environment_variables", "12"), "environment_variables.12", 11),
        (("nowhere", "x"), "nowhere.x", None),
        (("nowhere", "1"), "nowhere[1]", None),
    ],
)
def test_the_place_in_the_config(key: Tuple[str, ...], shown: str, line: Optional[int]) -> None:
    finding = error(key)
    assert finding.message == f"Truss 0.18.35 refuses it: `{shown}`: Bad."
    assert finding.line == line


def test_a_number_that_is_a_key_of_a_mapping_is_found() -> None:
    assert error(("environment_variables", "12")).column == 25


def test_the_whole_config_has_no_place() -> None:
    finding = error((), "Value error, Keep one.")
    assert finding.message == "Truss 0.18.35 refuses it: Keep one."
    assert (finding.line, finding.column) == (None, None)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Bad", "Bad."),
        ("Bad.", "Bad."),
        ("Bad...", "Bad."),
        ("  Value error, Bad.\n", "Bad."),
        ("Value error, Value error, Bad", "Value error, Bad."),
        ("A Value error, Bad", "A Value error, Bad."),
        ("Use v0.9. Or v1.", "Use v0.9. Or v1."),
        ("Two\nlines", "Two\nlines."),
    ],
)
def test_the_message_is_one_sentence(message: str, text: str) -> None:
    assert error(("resources",), message).message.endswith(f"`resources`: {text}")


def test_the_release_that_refuses_it() -> None:
    finding = truss_error("c.yaml", DOCUMENT, (), "Bad", (0, 9))
    assert finding.message == "Truss 0.9 refuses it: Bad."
