"""`pants test` of a truss: what passes, what fails and how it is reported, and what is cached."""

from __future__ import annotations

import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

from support.monorepo import PYTHON_TOML, Monorepo

ECHO = "class Model:\n    def predict(self, request):\n        return request\n"


@pytest.fixture(scope="module")
def shared_repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    """One for all tests here: each of its own would build the server's environment again."""
    base = tmp_path_factory.mktemp("tested")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    toml = PYTHON_TOML.format(roots='"/t/*", "/t/*/packages", "/lib"')
    repo.configure("pants.backend.python", toml=toml + "\n[test]\nreport = true\n")
    yield repo
    repo.stop_daemon()


@pytest.fixture
def repo(shared_repo: Monorepo) -> Monorepo:
    for folder in ("t", "lib", "dist"):
        shutil.rmtree(shared_repo.root / folder, ignore_errors=True)
    shared_repo.environment.clear()
    return shared_repo


def truss(repo: Monorepo, name: str, model: str, examples: str = "", config: str = "") -> None:
    repo.write(f"t/{name}/BUILD", "truss()\npython_sources(name='sources', sources=['**/*.py'])\n")
    repo.write(f"t/{name}/config.yaml", f"python_version: py311\n{config}")
    repo.write(f"t/{name}/model/__init__.py")
    repo.write(f"t/{name}/model/model.py", model)
    if examples:
        repo.write(f"t/{name}/examples.yaml", examples)


def cases(repo: Monorepo, name: str) -> List[str]:
    """The names of the cases in the report, `!` before those that failed."""
    report = ET.parse(repo.root / f"dist/test/reports/t.{name}.truss.xml").getroot()
    return [
        ("!" if case.find("failure") is not None else "") + case.attrib["name"]
        for case in report.iter("testcase")
    ]


def failed(repo: Monorepo, name: str, *arguments: str) -> str:
    run = repo.pants("test", f"t/{name}:{name}", *arguments)
    # It is that of the process, which may have been ended by a signal.
    assert run.exit_code not in (0, None), run.stderr
    return run.stderr


# --- What passes.


def test_every_kind_of_predict(repo: Monorepo) -> None:
    kinds = {
        "sync": ("def predict(self, x):\n        return {'got': x}", "{got: 1}"),
        "asynchronous": ("async def predict(self, x):\n        return {'got': x}", "{got: 1}"),
        "generator": (
            "def predict(self, x):\n        yield 'a'\n        yield 'b'",
            "ab",
        ),
        "chunks": (
            "async def predict(self, x):\n        yield 'a'\n        yield 'b'",
            "[a, b]",
        ),
        "stages": (
            "def preprocess(self, x):\n        return x + 1\n"
            "    async def predict(self, x):\n        return x * 10\n"
            "    def postprocess(self, x):\n        return {'end': x}",
            "{end: 20}",
        ),
        "request": (
            "def predict(self, x, request: 'Request'):\n        return 1".replace(
                "'Request'", "starlette.requests.Request"
            ),
            "1",
        ),
        "nothing": ("def predict(self, x):\n        return None", "null"),
        "numbers": ("def predict(self, x):\n        return [0.1 + 0.2, 2]", "[0.3, 2.0]"),
    }
    for name, (method, output) in kinds.items():
        model = f"import starlette.requests\nclass Model:\n    {method}\n"
        truss(repo, name, model, f"- name: One\n  input: 1\n  output: {output}\n")
    socket = "class Model:\n    async def websocket(self, ws):\n        " + (
        "while True:\n            await ws.send_text(await ws.receive_text() * 2)\n"
    )
    config = "runtime: {transport: {kind: websocket}}\n"
    truss(repo, "websocket", socket, "- {name: One, input: [a, b], output: [aa, bb]}\n", config)
    run = repo.pants("test", "t::").assert_success()
    for name in (*kinds, "websocket"):
        assert f"✓ t/{name}:{name} succeeded in" in run.stderr
        assert cases(repo, name) == ["load", "One"]


def test_the_python_of_the_config(repo: Monorepo) -> None:
    model = "import sys\n" + ECHO.replace("return request", "return list(sys.version_info[:2])")
    truss(repo, "old", model, "- {name: One, input: 1, output: [3, 9]}\n")
    repo.write("t/old/config.yaml", "python_version: py39\nrequirements: [six]\n")
    repo.pants("test", "t::").assert_success()


def test_requirements_that_the_servers_environment_cannot_use(repo: Monorepo) -> None:
    """Then both are resolved together, as in an image: with a fastapi that this starlette fits."""
    model = "import starlette\n" + ECHO.replace("return request", "return starlette.__version__")
    # The other one is for a result that no run of the tests, which share them, has had.
    config = f"requirements: [starlette==0.37.2, 'toml>=0.0.{time.time_ns()}']\n"
    truss(repo, "older", model, "- {name: One, input: 1, output: 0.37.2}\n", config)
    run = repo.pants("test", "t::").assert_success()
    assert "Building truss_and_server.pex" in run.stderr


def test_a_truss_without_examples_is_loaded(repo: Monorepo) -> None:
    truss(repo, "plain", ECHO)
    repo.pants("test", "t::").assert_success()
    assert cases(repo, "plain") == ["load"]


def test_an_unchanged_truss_is_not_tested_again(repo: Monorepo) -> None:
    truss(repo, "a", "from shared import NAME\n" + ECHO)
    truss(repo, "b", ECHO)
    repo.write("lib/shared.py", "NAME = 1\n")
    repo.write("lib/BUILD", "python_sources()\n")
    repo.pants("test", "t::").assert_success()
    repo.stop_daemon()
    # From the cache of processes, which may be shared: the daemon remembers nothing.
    again = repo.pants("test", "t::").assert_success().stderr
    assert again.count("(cached locally)") == 2
    # Never seen by any run of the tests, which share results.
    repo.write("lib/shared.py", f"NAME = {time.time_ns()}\n")
    edited = repo.pants("test", "t::").assert_success().stderr
    assert "✓ t/a:a succeeded in" in edited
    lines = [line for line in edited.splitlines() if line.startswith("✓")]
    assert [("cached" in line or "memoized" in line) for line in lines] == [False, True]


def test_force(repo: Monorepo) -> None:
    truss(repo, "forced", ECHO)
    repo.pants("test", "t::").assert_success()
    line = "✓ t/forced:forced succeeded in"
    assert (
        "cached" in repo.pants("test", "t::").stderr
        or "memoized" in repo.pants("test", "t::").stderr
    )
    forced = repo.pants("test", "--force", "t::").assert_success().stderr
    assert line in forced and "cached" not in forced and "memoized" not in forced


def test_a_failure_is_tested_again(repo: Monorepo, tmp_path: Path) -> None:
    """It may have a cause outside, such as a service that is down."""
    cause = tmp_path / "there"
    truss(repo, "again", ECHO + f"    def load(self):\n        open({str(cause)!r})\n")
    assert "FileNotFoundError" in failed(repo, "again")
    cause.touch()
    repo.pants("test", "t/again:again").assert_success()


def test_processes_of_the_model_do_not_hold_it_up(repo: Monorepo) -> None:
    model = (
        "import multiprocessing, subprocess, time\n"
        "class Model:\n"
        "    def load(self):\n"
        "        subprocess.Popen(['sleep', '601'], start_new_session=True)\n"
        "        context = multiprocessing.get_context('fork')\n"
        "        context.Process(target=time.sleep, args=(601,)).start()\n"
        "    def predict(self, x):\n        return x\n"
    )
    truss(repo, "forks", model, "- {name: One, input: 1, output: 1}\n")
    start = time.monotonic()
    repo.pants("test", "t::").assert_success()
    assert time.monotonic() - start < 120
    listed = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True).stdout
    assert "sleep 601" not in listed


def test_what_a_model_logs_is_not_a_failure(repo: Monorepo) -> None:
    model = (
        "import logging\n"
        "class Model:\n    def predict(self, x):\n"
        "        try:\n            {}['cache']\n        except KeyError:\n"
        "            logging.getLogger('mine').exception('falling back')\n"
        "        return x\n"
    )
    truss(repo, "logs", model, "- {name: One, input: 1, output: 1}\n")
    repo.pants("test", "t::").assert_success()


def test_websockets_that_send_bytes_and_go_on(repo: Monorepo) -> None:
    model = (
        "import asyncio\n"
        "class Model:\n    async def websocket(self, ws):\n"
        "        await ws.receive_text()\n        await ws.send_bytes(b'\\xff!')\n"
        "        await ws.receive()\n"
        "        while True:\n            await ws.send_text('beat')\n"
        "            await asyncio.sleep(0)\n"
    )
    config = "runtime: {transport: {kind: websocket}}\n"
    truss(repo, "beats", model, '- {name: One, input: [a], output: ["\\uFFFD!"]}\n', config)
    repo.write("t/beats/BUILD", "truss(timeout=60)\n")
    repo.pants("test", "t::").assert_success()


def test_what_is_left_out(repo: Monorepo) -> None:
    truss(repo, "skipped", "import nothing\n")
    repo.write("t/skipped/BUILD", "truss(skip_truss_test=True)\n")
    truss(repo, "gpu", ECHO, config="resources: {accelerator: L4}\n")
    truss(repo, "image", ECHO, config="docker_server: {server_port: 1}\n")
    run = repo.pants("test", "t::").assert_success()
    assert "Not tested: t/gpu:gpu needs L4 (`[truss-test].gpu` is `skip`)." in run.stderr
    assert "Not tested: t/image:image needs an image (`docker_server` in its config)." in run.stderr
    assert "skipped" not in run.stderr
    run = repo.pants("--truss-test-gpu=run", "test", "t::").assert_success()
    assert "✓ t/gpu:gpu succeeded" in run.stderr
    repo.pants("--truss-test-skip", "test", "t/gpu").assert_success()


# --- What fails.


def test_an_output_that_differs(repo: Monorepo) -> None:
    examples = "- {name: Same, input: {a: 1}, output: {a: 1}}\n- {name: Other, input: 1, output: 2}"
    truss(repo, "differs", "print('printed')\n" + ECHO, examples)
    text = failed(repo, "differs")
    assert "✓ load (" in text and "✓ Same (" in text and "✕ Other (" in text
    assert "    expected 2\n         got 1\n" in text
    assert "Output:" in text and "    printed" in text
    assert "✕ t/differs:differs failed in" in text
    assert cases(repo, "differs") == ["load", "Same", "!Other"]


RAISING = [
    (
        "init",
        "class Model:\n    def __init__(self, **kwargs):\n        raise OSError('no')\n",
        "t/init/model/model.py:3",
        "OSError: no",
    ),
    (
        "load",
        ECHO + "    def load(self):\n        open('weights.bin')\n",
        "t/load/model/model.py:5",
        "FileNotFoundError: [Errno 2] No such file or directory: 'weights.bin'",
    ),
    (
        "predict",
        "class Model:\n    def predict(self, x):\n        return x['missing']\n",
        "t/predict/model/model.py:3",
        "KeyError: 'missing'",
    ),
    (
        "stream",
        "class Model:\n    def predict(self, x):\n        yield 'a'\n        raise OSError(1)\n",
        "t/stream/model/model.py:4",
        "OSError: 1",
    ),
    ("syntax", "class Model:\n  def predict(:\n", "t/syntax/model/model.py:2", "SyntaxError"),
    ("exit", "import sys\nsys.exit(3)\n", "t/exit/model/model.py:2", "SystemExit: 3"),
]


def test_models_that_raise(repo: Monorepo) -> None:
    for name, model, _, _ in RAISING:
        truss(repo, name, model, "- {name: One, input: {}}\n")
    text = repo.pants("test", "t::").assert_failure().stderr
    for name, _, place, message in RAISING:
        assert f"    {place}: {message}" in text
        assert f"✕ t/{name}:{name} failed in" in text
    # The paths are those of the repository, and each traceback begins in the truss.
    for section in text.split("Completed: "):
        assert "_truss_common" not in section.partition("Output:")[0]


def test_a_model_that_ends_the_process(repo: Monorepo) -> None:
    truss(repo, "dies", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n" + ECHO)
    assert "the process that loaded the model" in failed(repo, "dies")
    assert cases(repo, "dies") == ["!load"]


def test_a_model_that_is_too_slow(repo: Monorepo) -> None:
    truss(repo, "slow", ECHO + "    def load(self):\n        import time; time.sleep(300)\n")
    repo.write("t/slow/BUILD", "truss(timeout=3)\n")
    assert "it took longer than 3 seconds. Give it more with the field `timeout`" in (
        failed(repo, "slow")
    )


def test_a_model_that_ends_the_process_quietly(repo: Monorepo) -> None:
    """As if all were well: nothing was tested."""
    load = "    def load(self):\n        import os\n        os._exit(0)\n"
    truss(repo, "ends", ECHO + load)
    assert "ended with exit code 0 before it had a result." in failed(repo, "ends")


def test_bytes_that_are_no_text(repo: Monorepo) -> None:
    load = "    def load(self):\n        import os\n        os.write(1, bytes([255]))\n"
    truss(repo, "bytes", ECHO + load)
    repo.pants("test", "t/bytes:bytes").assert_success()


def test_a_missing_requirement(repo: Monorepo) -> None:
    repo.write("3rdparty/BUILD", "python_requirement(name='toml', requirements=['toml==0.10.2'])\n")
    truss(
        repo,
        "lacks",
        "class Model:\n    def predict(self, x):\n        import toml\n        return 1\n",
        "- {name: One, input: 1}\n",
    )
    text = failed(repo, "lacks")
    assert (
        "t/lacks/model/model.py:3 imports `toml`, which is not there. Add 'toml==0.10.2' "
        "(3rdparty:toml) to `requirements` in t/lacks/config.yaml." in text
    )
    repo.write("t/lacks/config.yaml", "python_version: py311\nrequirements: ['toml==0.10.2']\n")
    repo.pants("test", "t/lacks:lacks").assert_success()


def test_a_module_that_a_package_lacks(repo: Monorepo) -> None:
    repo.write("lib/kit/__init__.py")
    repo.write("lib/kit/rates.py")
    repo.write("lib/BUILD", "python_sources(sources=['**/*.py'])\n")
    truss(repo, "typo", "import kit.rates\nimport kit.rate\n" + ECHO)
    assert (
        "t/typo/model/model.py:2 imports `kit.rate`, which is not there. `kit` is there "
        "(lib/kit/__init__.py), but has no `rate`." in failed(repo, "typo")
    )


def test_a_secret_that_a_test_has_not(repo: Monorepo) -> None:
    model = ECHO + "    def __init__(self, secrets):\n        self._key = secrets['key']\n"
    truss(repo, "needs_secret", model, config="secrets: {key: null}\n")
    assert "Tests get no secrets" in failed(repo, "needs_secret")


def test_a_requirement_that_no_distribution_has(repo: Monorepo) -> None:
    truss(repo, "unknown", "import nowhere.at.all\n" + ECHO)
    assert (
        "t/unknown/model/model.py:1 imports `nowhere.at.all`, which is not there. Add the "
        "distribution that has it to `requirements` in t/unknown/config.yaml."
        in failed(repo, "unknown")
    )


def test_an_import_of_a_file_that_no_target_owns(repo: Monorepo) -> None:
    repo.write("lib/seen.py", "NAME = 1\n")
    repo.write("lib/BUILD", "python_sources()\n")
    truss(repo, "bare", "import seen\n" + ECHO)
    repo.write("t/bare/BUILD", "truss()\n")
    assert (
        "t/bare/model/model.py:1 imports `seen`, which is not there. It is lib/seen.py. Pants does "
        "not see what t/bare/model/model.py imports, which no target owns: `pants tailor "
        "t/bare/model::` adds one." in failed(repo, "bare")
    )


@pytest.mark.parametrize(
    "files, imports, said",
    [
        (
            {"lib/more/units/convert.py": "", "lib/more/README": ""},
            "units.convert",
            "It looks like lib/more/units/convert.py, which no target owns: `pants tailor "
            "lib/more/units::` adds one.",
        ),
        (
            {"lib/more/units/convert.py": "", "lib/more/units/BUILD": "python_sources()\n"},
            "units.convert",
            "It looks like lib/more/units/convert.py. Its source root is 'lib', so it is "
            "imported as `more.units.convert`; to import it as `units.convert`, add "
            '"/lib/more" to `[source].root_patterns`.',
        ),
        (
            {"lib/more/units/BUILD": "python_sources()\n", "lib/more/units/__init__.py": ""},
            "units",
            "It looks like lib/more/units/__init__.py. Its source root is 'lib', so it is "
            'imported as `more.units`; to import it as `units`, add "/lib/more" to',
        ),
        (
            {"t/lost/model/units.py": ""},
            "units",
            "It looks like t/lost/model/units.py (t/lost/model/units.py:../sources), which is "
            "imported as `model.units`.",
        ),
        (
            {"lib/more/units_test.py": "", "lib/more/BUILD": "python_tests()\n"},
            "units_test",
            "Add the distribution",
        ),
    ],
)
def test_a_module_that_no_target_owns(
    repo: Monorepo, files: Dict[str, str], imports: str, said: str
) -> None:
    """The advice is not to add a distribution: anyone may have published one of that name."""
    repo.write_all(files)
    truss(repo, "lost", f"import {imports}\n" + ECHO)
    text = failed(repo, "lost")
    assert f"t/lost/model/model.py:1 imports `{imports}`, which is not there. {said}" in text


def test_an_import_that_works_in_the_repository_only(repo: Monorepo) -> None:
    repo.write("lib/hidden.py", "NAME = 1\n")
    repo.write("lib/BUILD", "python_sources()\n")
    model = "import importlib\nNAME = importlib.import_module('hid' + 'den').NAME\n" + ECHO
    truss(repo, "hides", model)
    assert (
        "t/hides/model/model.py:2 imports `hidden`, which is not there. It is lib/hidden.py, "
        "which Pants does not see this truss import. Name it: "
        '`truss(dependencies=["lib/hidden.py"])`.' in failed(repo, "hides")
    )
    repo.write("t/hides/BUILD", 'truss(dependencies=["lib/hidden.py"])\n')
    repo.pants("test", "t/hides:hides").assert_success()


SHADOWED = [
    ("yaml", "yaml/__init__.py", "", "an installed distribution (yaml)"),
    ("six", "six.py", "requirements: [six]\n", "an installed distribution (six.py)"),
    ("secrets", "secrets.py", "", "the standard library"),
    ("time", "time.py", "", "the standard library"),
    ("truss_server", "truss_server.py", "", "app/truss_server.py"),
]


def test_shadowed_packages(repo: Monorepo) -> None:
    for name, path, config, _ in SHADOWED:
        truss(repo, f"shadow_{name}", f"import {name}\n" + ECHO, config=config)
        repo.write(f"t/shadow_{name}/packages/{path}", "VALUE = 1\n")
    text = repo.pants("test", "t::").assert_failure().stderr
    for name, path, _, what in SHADOWED:
        folder = f"shadow_{name}"
        assert (
            f"t/{folder}/model/model.py:1 imports `{name}` and gets {what}, not "
            f"t/{folder}/packages/{path}: bundled packages come last." in text
        )
        assert cases(repo, folder) == ["load", f"!import {name}"]


def test_a_shadowed_module_of_a_namespace_package(repo: Monorepo) -> None:
    truss(repo, "hidden", "import yaml.extra\n" + ECHO)
    repo.write("t/hidden/packages/yaml/extra.py", "VALUE = 1\n")
    assert (
        "t/hidden/model/model.py:1 imports `yaml.extra` and gets an installed distribution (yaml), "
        "not t/hidden/packages/yaml/extra.py: bundled packages come last." in failed(repo, "hidden")
    )


def test_the_example_in_the_metadata(repo: Monorepo) -> None:
    config = "model_metadata:\n  example_model_input: {text: good}\n"
    truss(repo, "metadata", ECHO.replace("return request", "return request['text']"), config=config)
    repo.pants("test", "t/metadata:metadata").assert_success()
    assert cases(repo, "metadata") == ["load", "example_model_input"]
    truss(repo, "metadata", ECHO.replace("return request", "raise ValueError(request)"), "", config)
    assert "ValueError: {'text': 'good'}" in failed(repo, "metadata")


def test_an_examples_file_that_is_not_there(repo: Monorepo) -> None:
    truss(repo, "typo", ECHO, "- {name: One, input: 1}\n", "examples_filename: exmples.yaml\n")
    assert (
        "t/typo/config.yaml: `examples_filename` is 'exmples.yaml', but there is no "
        "t/typo/exmples.yaml" in failed(repo, "typo")
    )


def test_a_hidden_package_that_nothing_imports_is_not_a_failure(repo: Monorepo) -> None:
    truss(repo, "unused", ECHO)
    repo.write("t/unused/packages/yaml/__init__.py", "VALUE = 1\n")
    repo.pants("test", "t::").assert_success()


BAD_EXAMPLES = [
    ("yaml", "- name: [\n", "t/bad_yaml/examples.yaml:2 is not valid YAML"),
    ("kind", "name: One\n", "t/bad_kind/examples.yaml must be a list of examples"),
    ("input", "- name: One\n", "example 1 of t/bad_input/examples.yaml has no `input`"),
    (
        "date",
        "- {name: One, input: 2020-01-01}\n",
        "has the date 2020-01-01, which is not JSON",
    ),
    ("key", "- {name: One, input: 1, outputs: 1}\n", "has the unknown key `outputs`"),
]


def test_bad_examples(repo: Monorepo) -> None:
    for name, examples, _ in BAD_EXAMPLES:
        truss(repo, f"bad_{name}", ECHO, examples)
    truss(repo, "good", ECHO)
    text = repo.pants("test", "t::").assert_failure().stderr
    # One truss's failure is not another's.
    assert "✓ t/good:good succeeded" in text
    for name, _, message in BAD_EXAMPLES:
        assert message in text
        assert f"✕ t/bad_{name}:bad_{name} failed in" in text
        assert cases(repo, f"bad_{name}") == ["!load"]


def test_bad_requirements_and_configs(repo: Monorepo) -> None:
    truss(repo, "wrong", ECHO, config="requirements: [no-such-distribution-at-all]\n")
    truss(repo, "config", ECHO, config="requirements: x\n")
    truss(repo, "python", ECHO)
    repo.write("t/python/config.yaml", "python_version: py314\n")
    text = repo.pants("test", "t::").assert_failure().stderr
    assert "no distribution matches the requirement 'no-such-distribution-at-all'" in text
    assert "`requirements` must be a list of requirements" in text
    assert "py313 where that says none), which Pants does not find on this machine" in text
    for name in ("wrong", "config", "python"):
        assert f"✕ t/{name}:{name} failed in" in text


def test_secrets_stay_out_of_cache_keys(repo: Monorepo) -> None:
    truss(repo, "secret", ECHO)
    repo.environment["TRUSS_SECRET_key"] = "s3cret"
    text = failed(repo, "secret", "--test-extra-env-vars=TRUSS_SECRET_key")
    assert "a secret must not become part of a cache key" in text
    assert "s3cret" not in text
    repo.environment["MODE"] = "fast"
    model = (
        "import os\nclass Model:\n    def predict(self, x):\n        return os.environ['MODE']\n"
    )
    truss(repo, "mode", model, "- {name: One, input: 1, output: fast}\n")
    repo.pants("--test-extra-env-vars=MODE", "test", "t/mode:mode").assert_success()
