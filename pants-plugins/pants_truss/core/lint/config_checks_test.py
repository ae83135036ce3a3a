from __future__ import annotations

from typing import List, Tuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pants_truss.core.lint.config_checks import check_config
from pants_truss.core.lint.finding import Severity
from pants_truss.core.lint.release import default_release

RELEASE = default_release()


def told(config: str) -> List[Tuple[int, str]]:
    return [
        (f.line or 0, f.message) for f in check_config("t/config.yaml", config.encode(), RELEASE)
    ]


@pytest.mark.parametrize(
    ("config", "line", "message"),
    [
        # Unknown keys, with the nearest known one.
        ("x: 1\nresourcs: {}\n", 1, "unknown key `x`; `truss push` rejects it."),
        ("cpu: '4'\n", 1, "It belongs below `resources`."),
        ("resourcs: {}\n", 1, "Did you mean `resources`?"),
        ("resources:\n  cpus: '4'\n", 2, "unknown key `resources.cpus`"),
        (
            "weights:\n- {source: hf://a/b, mount_location: /x, zz: 1}\n",
            2,
            "unknown key `weights[0].zz`",
        ),
        ("trt_llm: {build: {max_input_len: 1}}\n", 1, "it has no effect"),
        ("runtime: {transport: {kind: http, ping_interval_seconds: 1}}\n", 1, "it has no effect"),
        ("1: a\n", 1, "unknown key `1`"),
        # Types, as the loader reads them.
        (
            "model_name: 5\n",
            1,
            'must be a string, but is the number 5. Quote it: `model_name: "5"`',
        ),
        ("model_name: 3.1\n", 1, "is the number 3.1. Quote it"),
        ("description: true\n", 1, 'Quote it: `description: "true"`'),
        ("description: 2024-01-01\n", 1, "must be a string, but is a date"),
        ("train: {}\n", 1, 'entry_point="train.train:main"'),
        (
            "train: {training_module_dir: fit, training_class_filename: go.py}\n",
            1,
            'truss_training(name="train", entry_point="fit.go:main")',
        ),
        ("train: [x]\n", 1, "what `Train.train` does"),
        ("live_reload: maybe\n", 1, "must be a boolean, true or false, but is the string 'maybe'"),
        ("runtime: {predict_concurrency: x}\n", 1, "must be a whole number"),
        ("runtime: {predict_concurrency: 1.5}\n", 1, "must be a whole number"),
        ("system_packages: ffmpeg\n", 1, "must be a list, but is the string 'ffmpeg'"),
        ("requirements:\n", 1, "`requirements` must be a list of requirements, but is null"),
        ("requirements: [1]\n", 1, "`requirements` must hold strings"),
        ("resources:\n", 1, "`resources` must be a mapping, but is null"),
        ("environment_variables:\n", 1, "must be a mapping, but is null"),
        ("secrets: [a]\n", 1, "must be a mapping, but is a list"),
        ("secrets: {a: 12345}\n", 1, "`secrets.a` must be a string, but is a number."),
        # Choices and bounds.
        ("build: {model_server: TGI}\n", 1, "but must be TrussServer, TRT_LLM"),
        ("runtime: {transport: {kind: grp}}\n", 1, "must be http, websocket, grpc. Did you mean"),
        ("resources: {node_count: 0}\n", 1, "is 0, but must be at least 1"),
        ("trt_llm: {build: {max_batch_size: 9999}}\n", 1, "must be at most 2048"),
        ("bdn: {access: [{namespace: a, grants: []}]}\n", 1, "is empty. It needs at least one"),
        ("docker_server: {server_port: 1}\n", 1, "`docker_server.predict_endpoint` is missing"),
        # Rules beyond the schema.
        ("python_version: '3.11'\n", 1, "Write `python_version: py311`"),
        ("python_version: py38\n", 1, "Write `python_version: py310`"),
        ("python_version: python\n", 1, "must be one of py39, py310"),
        ("python_version: py39\n", 1, "is deprecated"),
        ("requirements: [a]\nrequirements_file: r.txt\n", 2, "exclude each other"),
        ("resources: {cpu: four}\n", 1, "Write a number of cores"),
        ("resources: {memory: 10GB}\n", 1, "Write a number with a unit"),
        ("resources: {accelerator: L5}\n", 1, "must be one of B10, T4"),
        ("resources: {accelerator: 'L4:0'}\n", 1, "its count is not a whole number"),
        ("resources: {accelerator: 'A10G:2:3'}\n", 1, "its count is not a whole number"),
        (
            "weights: [{source: 'ftp://a', mount_location: /x}]\n",
            1,
            "must begin with one of azure://",
        ),
        ("weights: [{source: 's3://a@b', mount_location: /x}]\n", 1, "Only hf:// has"),
        (
            "weights: [{source: 'hf://a/b', mount_location: x}]\n",
            1,
            "must be absolute: begin it with `/`",
        ),
        (
            "weights:\n- {source: 'hf://a/b', mount_location: /x}\n"
            "- {source: 'hf://a/c', mount_location: /x/}\n",
            3,
            "as is that of `weights[0]`",
        ),
        ("base_image: {python_executable_path: bin/python}\n", 1, "must be absolute"),
        ("model_module_dir: src\n", 1, "looks for the model elsewhere"),
        ("model_module_dir: ../x\n", 1, "lies outside the truss"),
        ("environment_variables: {A: null}\n", 1, "which Truss turns into Python's text"),
        ("environment_variables: {PORT: 1}\n", 1, "the platform sets it"),
        ("runtime: {num_workers: 1}\n", 1, "was removed in Truss 0.9.49"),
        ("runtime: {is_websocket_endpoint: true}\n", 1, "Use `runtime.transport"),
        ("build: {no_cache: true}\n", 1, "truss push --no-cache"),
        ("hf_cache: [{repo_id: a/b}]\n", 1, "`hf_cache` is deprecated. Use `weights`"),
        ("secrets: {token: abc}\n", 1, "`secrets.token` has a value"),
        ("environment_variables: {DB_PASSWORD: hunter2hunter2}\n", 1, "looks like a credential"),
        # The document.
        ("a: 1\na: 2\n", 2, "the key `a` appears twice"),
        ("a: [\n", 2, "it is not valid YAML"),
        ("- a\n", 1, "it must be a mapping"),
    ],
)
def test_a_finding_with_its_line(config: str, line: int, message: str) -> None:
    found = told(config)
    assert any(message in text for _, text in found), found
    assert [at for at, text in found if message in text] == [line]


DOCKER_SERVER = "docker_server: {%sserver_port: 8000, predict_endpoint: /p, readiness_endpoint: /r, liveness_endpoint: /l}\n"


@pytest.mark.parametrize(
    ("more", "config", "message"),
    [
        ("", "", "`docker_server.start_command` is missing"),
        ("no_build: true, ", "", "needs `base_image.image`"),
        ("start_command: x, run_as_user_id: 0, ", "", "must not be 0"),
        (
            "start_command: x, run_as_user_id: 7, ",
            "runtime: {remote_ssh: {enabled: true}}\n",
            "exclude each other",
        ),
    ],
)
def test_docker_server(more: str, config: str, message: str) -> None:
    ((_, found),) = told(DOCKER_SERVER % more + config)
    assert message in found


@pytest.mark.parametrize(
    "config",
    [
        "",
        "model_name:\n",
        "live_reload: 'yes'\n",
        "live_reload: 1\n",
        "runtime: {predict_concurrency: '4', streaming_read_timeout: 4.0}\n",
        "runtime: {transport: {}}\n",
        "resources: {use_gpu: true, accelerator: {accelerator: L4, count: 2}}\n",
        "resources: {accelerator: 'H100:8', memory: 512Mi, cpu: 500m}\n",
        'environment_variables: {A: 1, B: true, C: 2024-01-01, D: \'{"a": "$x"}\'}\n',
        "secrets: {a: null, b: ''}\n",
        "environment_variables: {PAD_TOKEN: '<pad>', API_KEY: '', A_TOKEN: /run/t0ken, MAX_TOKEN: 9}\n",
        "environment_variables: {USE_TOKEN: 'true', B_SECRET: $(SECRET1), TOKENIZERS_1: ab12cd34}\n",
        "model_metadata: {anything: {at: [all]}}\n",
        "cache_internal:\n",
        "build: {arguments: {a: {b: c}}}\n",
        "model_module_dir: ./model/\n",
        "resources: {memory: .5Gi}\n",
        "runtime: {transport: {kind: websocket, ping_interval_seconds: inf}}\n",
        "runtime: {streaming_read_timeout: 99999999999999999999}\n",
        "system_packages: [--no-install-recommends jq]\n",
        "base_image: {docker_auth: {auth_method: aws_iam}}\n",
        "trt_llm: {inference_stack: v2, build: {}, runtime: {gated_features: {}}}\n",
    ],
)
def test_what_truss_accepts_is_not_reported(config: str) -> None:
    assert not told(config)


@pytest.mark.parametrize(
    "config",
    [
        "requirements: git+https://u:hunter22@host/x\n",
        "build_commands: curl -u me:hunter22 host\n",
        "build: {arguments: hunter22 hunter22}\n",
        "docker_server: https://u:hunter22@host\n",
        "weights: [{source: 'http://u:hunter22@host', mount_location: /x}]\n",
        "secrets: {a: *hunter22}\n",
        "secrets: {a: !!int hunter22}\n",
        "system_packages: hunter22hunter22hunter22hunter22\n",
    ],
)
def test_a_value_that_may_be_confidential_is_not_shown(config: str) -> None:
    assert told(config)
    assert "hunter22" not in str(told(config))


def test_a_confidential_value_is_not_shown() -> None:
    config = 'secrets: {token: hunter22}\nenvironment_variables: {PORT: "hunter22\\n"}\n'
    found = told(config)
    assert len(found) == 3
    assert "hunter22" not in str(found)


# --- Any bytes at all give findings, and nothing else.

KEYS = st.sampled_from(
    [*RELEASE.top_level_keys, "hf_cache", "train", "kind", "image", "url", "source"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.dates(),
    st.sampled_from(["py311", "L4:2", "1Gi", "500m", "hf://a/b", "/x", "../x", "http", "v2"]),
    st.integers(min_value=10**400, max_value=10**401),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(KEYS, st.text(max_size=8), st.integers()), inner, max_size=4),
    ),
    max_leaves=12,
)
CONFIGS = st.dictionaries(KEYS, VALUES, max_size=8).map(
    lambda data: yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode(
        "utf-8", "replace"
    )
)
PIECES = st.lists(
    st.sampled_from(
        [b"a: ", b"- ", b"&x ", b"*x", b"<<: ", b"{", b"}", b"[", b"]", b"? ", b": ", b"\n", b"  "]
        + [
            b"!!",
            b"!!python/name:os ",
            b'"\\ud800"',
            b"model_class_filename: ",
            b"'",
            b'"',
            b"|\n",
            b">\n",
            b"#",
            b"\t",
            b"\r\n",
            b"%YAML ",
        ]
        + [b"---\n", b"...\n", b"\xff", b"\xef\xbb\xbf", b"\x00", b"0x1", b"1e9", b"2024-99-99"]
        + [key.encode() + b": " for key in ("resources", "weights", "runtime", "docker_server")]
    ),
    max_size=30,
).map(b"".join)


def check_any(content: bytes) -> None:
    for finding in check_config("t/config.yaml", content, RELEASE):
        assert isinstance(finding.severity, Severity)
        finding.text.encode("utf-8")
        assert finding.line is None or finding.line >= 1


@given(st.one_of(CONFIGS, CONFIGS, PIECES, st.binary(max_size=200)))
@settings(max_examples=max(1500, settings.default.max_examples if settings.default else 0))
def test_any_bytes_give_findings_only(content: bytes) -> None:
    check_any(content)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b"{a: " * 5_000,
        b"a: " + b"- " * 5_000,
        b"a0: &a0 [x]\n"
        + b"".join(
            b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)
        ),
        b"a: &a [*a]\n",
        b"a: &a {<<: *a}\n",
        b"k: 0" * 60_000,
        b"x: " + b"9" * 190_000,
        b"x: 0x" + b"f" * 190_000,
        b"x: " + b"1:" * 90_000,
        b"\n" * 199_999,
        b"system_packages: [" + b"a" * 190_000 + b"!]",
        b"base_image: {image: " + b"a-" * 90_000 + b"}",
        b"base_image: {image: " + b"a.b/" * 45_000 + b"!}",
        b"".join(b"key_%d: 1\n" % n for n in range(9_000)),
        b'model_class_filename: "\\ud800.py"\nmodel_class_name: "\\ud800"\n"\\ud800": 1\n',
        b"python_version: " + b"9" * 150_000 + b"x",
        b"weights: [" + b"{source: hf://a/b, mount_location: /x}, " * 4_000 + b"]",
    ],
    ids=range(18),
)
def test_documents_made_to_exhaust(content: bytes) -> None:
    check_any(content)
