"""Models that lint reports fail in the real server, laid out as in an image. Near misses load, and
lint does not report them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

from pants_truss.core.lint.model_class import ModelFile, check_model_class
from support.configs import REALISTIC
from support.models import BAD, GOOD, NOT_AWAITED, ModelCase
from support.monorepo import PYTHON_TOML, Monorepo
from support.truss_library import TrussError, TrussLibrary

MODEL_CASES = (*BAD, *GOOD, NOT_AWAITED)


@pytest.fixture(scope="module")
def model_answers(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Dict[str, Any]]:
    base = tmp_path_factory.mktemp("models")
    for case in MODEL_CASES:
        _write(base / case.name, {"config.yaml": "python_version: py311\n"})
        _write(base / case.name, {"model/__init__.py": "", "model/model.py": case.source})
    operations = [
        ("serve", str(base / case.name), *([1] if case.answer is not None else []))
        for case in MODEL_CASES
    ]
    answers = TrussLibrary(base / "home").run(operations)
    return {case.name: answer for case, answer in zip(MODEL_CASES, answers)}


def _write(folder: Path, files: Dict[str, str]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


def _check(case: ModelCase) -> List[str]:
    model = ModelFile("model/model.py", case.source.encode(), "Model", (3, 9))
    return [finding.message for finding in check_model_class(model)]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_model_that_is_reported_does_not_load(
    case: ModelCase, model_answers: Dict[str, Dict[str, Any]]
) -> None:
    (message,) = _check(case)
    assert case.message in message
    assert "error" in model_answers[case.name], model_answers[case.name]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_model_that_is_not_reported_loads(
    case: ModelCase, model_answers: Dict[str, Dict[str, Any]]
) -> None:
    assert not _check(case)
    answers = [] if case.answer is None else [case.answer]
    assert model_answers[case.name] == {"value": answers}


def test_a_load_that_is_not_awaited(model_answers: Dict[str, Dict[str, Any]]) -> None:
    (message,) = _check(NOT_AWAITED)
    assert NOT_AWAITED.message in message
    assert model_answers[NOT_AWAITED.name] == {"value": [False]}


OFF = "--truss-lint-validate-with-truss=off"


@pytest.fixture
def strict_repo(repo: Monorepo) -> Monorepo:
    """A repository in which lint reports a model class that the server rejects."""
    return repo.configure(silent_rules=())


def test_a_truss_without_its_model_file(strict_repo: Monorepo, truss: TrussLibrary) -> None:
    folder = strict_repo.truss("t", "model_class_filename: other.py\n")
    run = strict_repo.pants(OFF, "lint", "t").assert_failure()
    assert "the truss has no model/other.py, which the server loads" in run.stderr
    with pytest.raises(TrussError, match="No module class file found"):
        truss.call("serve", str(folder), 1)
    (folder / "model/model.py").rename(folder / "model/other.py")
    strict_repo.pants(OFF, "lint", "t").assert_success()
    assert truss.call("serve", str(folder), 1) == [1]


def test_a_model_beside_trt_llm(strict_repo: Monorepo, truss: TrussLibrary) -> None:
    (case,) = [case for case in REALISTIC if case.name == "trt_llm_with_a_model"]
    folder = strict_repo.truss("t", case.config)
    strict_repo.write("t/model/model.py", case.files["model/model.py"])
    strict_repo.pants(OFF, "lint", "t").assert_success()
    assert truss.call("gather", str(folder)) == str(folder)
    without = case.files["model/model.py"].replace("self, trt_llm, **kwargs", "self, **kwargs")
    strict_repo.write("t/model/model.py", without)
    run = strict_repo.pants(OFF, "lint", "t").assert_failure()
    assert "`__init__` of `Model` has no argument `trt_llm`" in run.stderr
    with pytest.raises(TrussError, match="required to have `trt_llm` as an argument"):
        truss.call("gather", str(folder))


# --- What comes before the bundled packages.

VALUE = "VALUE = 'bundled'\n"
# name -> files of the truss, the module that the model imports, and the rule that reports it.
ShadowCase = Tuple[Dict[str, str], str, Optional[str]]
SHADOWING: Dict[str, ShadowCase] = {
    "site_package": ({"packages/yaml/__init__.py": VALUE}, "yaml", "shadowed-by-server"),
    "site_folder": ({"packages/requests/mine.py": VALUE}, "requests.mine", "shadowed-by-server"),
    "stdlib": ({"packages/secrets.py": VALUE}, "secrets", "shadowed-by-server"),
    "app": ({"packages/truss_server.py": VALUE}, "truss_server", "shadowed-by-server"),
    "app_shared": ({"packages/_truss_shared/x.py": VALUE}, "_truss_shared.x", "shadowed-by-server"),
    "model": ({"packages/model/mine.py": VALUE}, "model.mine", "shadowed-by-server"),
    "namespace_init": ({"packages/google/__init__.py": VALUE}, "google", "shadowed-by-server"),
    "below_namespace": (
        {"packages/google/protobuf/mine.py": VALUE},
        "google.protobuf.mine",
        "shadowed-by-server",
    ),
    "data_package": (
        {"packages/data/mine.py": VALUE, "data/__init__.py": ""},
        "data.mine",
        "shadowed-by-server",
    ),
    "requirement": ({"packages/rich/__init__.py": VALUE}, "rich", "shadowed-by-requirement"),
    "requirement_other_name": (
        {"packages/dateutil/__init__.py": VALUE},
        "dateutil",
        "shadowed-by-requirement",
    ),
    "free": ({"packages/mine/__init__.py": VALUE}, "mine", None),
    "namespace_part": ({"packages/google/mine.py": VALUE}, "google.mine", None),
    "namespace_package": ({"packages/google/mine/__init__.py": VALUE}, "google.mine", None),
    "data": ({"packages/data/__init__.py": VALUE, "data/x.txt": ""}, "data", None),
    "names_of_old_servers": ({"packages/common/shared.py": VALUE}, "common.shared", None),
    "shared": ({"packages/shared/__init__.py": VALUE}, "shared", None),
    "longer_name": ({"packages/yaml_tools.py": VALUE}, "yaml_tools", None),
    "case": ({"packages/Yaml.py": VALUE}, "Yaml", None),
    "deeper": ({"packages/mine/yaml.py": VALUE}, "mine.yaml", None),
    "not_installed": ({"packages/flask/__init__.py": VALUE}, "flask", None),
}

OTHER = "something else"
MODEL = """\
class Model:
    def predict(self, x):
        try:
            from {module} import VALUE
        except ImportError:
            return "something else"
        return VALUE
"""
# The tool's environment has exactly those of these modules that the server in an image has.
SHADOW_CONFIG = "python_version: py311\nrequirements: [rich, python-dateutil]\n"


@pytest.fixture(scope="module")
def shadowing(tmp_path_factory: pytest.TempPathFactory) -> Tuple[str, Dict[str, Any]]:
    """The report of linting, and the answers of the server."""
    base = tmp_path_factory.mktemp("shadowing")
    repo = Monorepo(base / "repo", base / "machine", daemon=False, shares_store=True)
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/t/*", "/t/*/packages"'))
    for name, (files, module, _) in SHADOWING.items():
        repo.truss(f"t/{name}", SHADOW_CONFIG)
        repo.write(f"t/{name}/model/__init__.py")
        repo.write(f"t/{name}/model/model.py", MODEL.format(module=module))
        repo.write_all({f"t/{name}/{path}": content for path, content in files.items()})
    run = repo.pants(OFF, "lint", "::").assert_failure()
    operations = [("serve", str(repo.root / "t" / name), 1) for name in SHADOWING]
    answers = TrussLibrary(base / "home").run(operations)
    # An error counts as no answer: a bundled `google` takes the server's own away.
    return run.stderr, {n: a.get("value", [OTHER])[0] for n, a in zip(SHADOWING, answers)}


@pytest.mark.parametrize("name", SHADOWING)
def test_shadowing(name: str, shadowing: Tuple[str, Dict[str, Any]]) -> None:
    report, answers = shadowing
    rule = SHADOWING[name][2]
    lines = [line for line in report.splitlines() if line.startswith(f"  t/{name}/")]
    told = [rule for line in lines for rule in re.findall(r"\[(shadowed-[a-z-]+)\]", line)]
    assert answers[name] == (OTHER if rule else "bundled")
    assert told == ([rule] if rule else [])


# --- Files that are left out.


def test_a_file_that_the_trusss_own_patterns_drop(repo: Monorepo, truss: TrussLibrary) -> None:
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots='"/t"'))
    repo.truss("t")
    repo.write("t/BUILD", 'truss()\npython_sources(name="src", sources=["**/*.py"])\n')
    repo.write("t/model/__init__.py")
    repo.write("t/model/model.py", MODEL.format(module="model.mine_gen"))
    repo.write("t/model/mine_gen.py", VALUE)
    repo.write("t/model/other_gen.py", VALUE)
    repo.write("t/.truss_ignore", "other_*.py\n")
    repo.pants(OFF, "lint", "::").assert_success()
    assert truss.call("serve", str(repo.root / "t"), 1) == ["bundled"]
    repo.write("t/.truss_ignore", "*_gen.py\n")
    run = repo.pants(OFF, "lint", "::").assert_failure()
    assert run.stderr.count("[dropped-file]") == 1
    assert (
        "t/model/mine_gen.py: error: it is imported by t/model/model.py, but t/.truss_ignore"
        in run.stderr
    )
    assert truss.call("serve", str(repo.root / "t"), 1) == [OTHER]
    packaged = repo.pants("package", "::").assert_failure()
    assert "(t/model/mine_gen.py): it is imported by t/model/model.py, but" in packaged.stderr


def test_a_folder_that_pants_does_not_see(repo: Monorepo, truss: TrussLibrary) -> None:
    repo.truss("t")
    repo.write("t/model/__init__.py")
    repo.write("t/model/model.py", MODEL.format(module="model.lib.mine"))
    repo.write("t/model/lib/mine.py", VALUE)
    repo.write("t/.truss_ignore", "!lib/\n")
    assert "[dropped-file]" not in repo.pants(OFF, "lint", "::").assert_success().stderr
    repo.pants("package", "::").assert_success()
    assert truss.call("serve", str(repo.dist("t/t")), 1) == ["bundled"]
    repo.write(".gitignore", "lib/\n")
    # Pants reads it when it starts; a daemon that is about to end for it may still answer.
    repo.stop_daemon()
    run = repo.pants(OFF, "lint", "::").assert_success()
    assert "t/model/lib: warning: the folder is left out, as Pants ignores it" in run.stderr
    repo.pants("package", "::").assert_success()
    assert truss.call("serve", str(repo.dist("t/t")), 1) == [OTHER]
