"""`truss_training`: run in memory, and packaged as a workspace for `truss train push`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from support.monorepo import PYTHON_TOML, Monorepo, read_tree
from support.truss_library import TrussLibrary

# What a function or a script finds, and that it writes to `out`.
LOOK = """\
import json
import os
import sys


def look(out, **more):
    import bundled
    import external
    import imported
    import six

    found = {
        "marks": [bundled.MARK, external.MARK, imported.MARK],
        "first": sys.path[0] == os.getcwd(),
        "last": sys.path[-1] == os.path.join(os.getcwd(), "packages"),
        "secrets": __import__("secrets").__name__ and not hasattr(__import__("secrets"), "MARK"),
        "mode": os.environ["MODE"],
        "leaked": [name for name in os.environ if name.startswith("PEX_")],
        "six": six.__version__,
        **more,
    }
    with open(os.path.join(str(out), "found.json"), "w") as file:
        json.dump(found, file)


def main(out, arguments, config, data_dir):
    look(out, arguments=arguments, model=config["model_name"], data=sorted(os.listdir(data_dir)))


if __name__ == "__main__":
    assert sys.argv[1] == "--out"
    look(sys.argv[2], arguments=sys.argv[3:])
"""

CONFIG = """\
model_name: Mine
python_version: py311
external_package_dirs: [../ext]
requirements: [six==1.16.0]
environment_variables: {MODE: train}
"""


@pytest.fixture(scope="module")
def shared_repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("training")
    repo = Monorepo(base / "repo", base / "machine", shares_store=True)
    roots = '"/t", "/lib", "/beside"'
    repo.configure("pants.backend.python", toml=PYTHON_TOML.format(roots=roots))
    yield repo
    repo.stop_daemon()


@pytest.fixture
def repo(shared_repo: Monorepo) -> Monorepo:
    for folder in ("t", "ext", "lib", "beside", "out", "dist"):
        shutil.rmtree(shared_repo.root / folder, ignore_errors=True)
    repo = shared_repo
    repo.write("t/config.yaml", CONFIG)
    repo.write("t/model/__init__.py")
    repo.write("t/model/model.py", "class Model:\n    def predict(self, x):\n        return x\n")
    repo.write("t/data/words.txt", "a\n")
    repo.write("t/packages/bundled.py", "MARK = 'bundled'\n")
    repo.write("t/packages/secrets.py", "MARK = 'shadowed'\n")
    repo.write("ext/external.py", "MARK = 'external'\n")
    repo.write("ext/BUILD", "truss_external_package()\n")
    repo.write("lib/imported.py", "MARK = 'imported'\n")
    repo.write("lib/BUILD", "python_sources()\n")
    return repo


def build(repo: Monorepo, entry_point: str, more: str = "", truss: str = "truss()") -> None:
    repo.write(
        "t/BUILD",
        f"{truss}\npython_sources(name='sources', sources=['**/*.py'])\n"
        f"truss_training(name='train', entry_point='{entry_point}'{more})\n",
    )


def train(repo: Monorepo, *arguments: str, target: str = "t:train") -> Any:
    repo.pants("run", target, "--", "--out=out/here", *arguments).assert_success()
    return json.loads((repo.root / "out/here/found.json").read_text())


EXPECTED: Dict[str, Any] = {
    "marks": ["bundled", "external", "imported"],
    "first": True,
    "last": True,
    "secrets": True,
    "mode": "train",
    "leaked": [],
    "six": "1.16.0",
}


def test_a_file_of_the_truss(repo: Monorepo) -> None:
    repo.write("t/train.py", LOOK)
    build(repo, "train.py")
    found = train(repo, "--epochs", "3")
    assert found == {**EXPECTED, "arguments": ["--epochs", "3"]}
    # Nothing is left in the truss.
    assert not list((repo.root / "t").rglob("__pycache__"))


def test_a_function_of_the_truss_that_is_not_served(repo: Monorepo) -> None:
    repo.write("t/training/fit.py", LOOK)
    build(repo, "training.fit:main", truss="truss(sources=['**/*', '!training/**'])")
    found = train(repo, "x")
    assert found == {**EXPECTED, "arguments": ["x"], "model": "Mine", "data": ["words.txt"]}
    repo.pants("package", "t:t").assert_success()
    assert "packages/training/fit.py" not in read_tree(repo.dist("t/t"))
    assert "packages/imported.py" not in read_tree(repo.dist("t/t"))


def test_code_beside_the_truss(repo: Monorepo) -> None:
    repo.write("t/BUILD", "truss()\n")
    repo.write("beside/fit.py", LOOK)
    repo.write(
        "beside/BUILD",
        "python_sources(name='sources')\n"
        "truss_training(name='train', truss='t', entry_point='fit.py')\n"
        "truss_training(name='function', truss='//t:t', entry_point='fit:main')\n",
    )
    assert train(repo, target="beside:train") == {**EXPECTED, "arguments": []}
    assert train(repo, target="beside:function")["data"] == ["words.txt"]
    found = repo.pants("dependencies", "beside:train").assert_success()
    assert found.stdout.split() == ["beside/fit.py:sources", "t:t"]
    found = repo.pants("dependents", "--transitive", "ext").assert_success()
    assert "beside:train" in found.stdout.split()


def test_requirements_of_training_alone(repo: Monorepo) -> None:
    repo.write("3rdparty/BUILD", "python_requirement(name='toml', requirements=['toml==0.10.2'])\n")
    repo.write(
        "t/train.py", LOOK.replace("    import bundled", "    import toml\n    import bundled")
    )
    build(repo, "train.py", ", dependencies=['3rdparty:toml', ':words']")
    repo.write("t/words/more.txt", "b")
    with open(repo.root / "t/BUILD", "a") as file:
        file.write("resources(name='words', sources=['words/*.txt'])\n")
    train(repo)
    repo.pants("package", "t:train").assert_success()
    folder = repo.dist("t/train")
    assert (folder / "training_requirements.txt").read_text() == "six==1.16.0\ntoml==0.10.2\n"
    repo.pants("package", "t:t").assert_success()
    assert "toml" not in (repo.dist("t/t") / "config.yaml").read_text()


PROJECT = """\
from truss_train import definitions

project = definitions.TrainingProject(
    name="mine",
    job=definitions.TrainingJob(
        image=definitions.Image(base_image="python:3.11"),
        runtime=definitions.Runtime(
            start_commands=[
                "pip install -r training_requirements.txt",
                "python run_training.py --epochs=3",
            ]
        ),
        workspace=definitions.Workspace(workspace_root="."),
    ),
)
"""


def test_the_packaged_folder_is_a_workspace(
    repo: Monorepo, truss: TrussLibrary, tmp_path: Path
) -> None:
    repo.write("t/train.py", LOOK)
    repo.write("t/project.py", PROJECT)
    build(repo, "train.py")
    run = repo.pants("package", "t:train").assert_success()
    assert "pip install -r training_requirements.txt && python run_training.py" in run.stderr
    folder = repo.dist("t/train")
    # Truss's own code for `truss train push` uploads the folder, byte for byte.
    archive = truss.call("training_archive", str(folder / "project.py"))
    assert archive == {
        path: [hashlib.sha256(content).hexdigest(), executable]
        for path, (content, executable) in read_tree(folder).items()
    }
    # And it trains, wherever it is: here with a Python that has the requirement.
    moved = shutil.move(str(folder), tmp_path / "job")
    shutil.rmtree(repo.root / "t")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/six.py").write_text("__version__ = '1.16.0'\n")
    process = subprocess.run(
        [sys.executable, "run_training.py", "--epochs=3"],
        cwd=moved,
        env={"PYTHONPATH": str(tmp_path / "site"), "BT_CHECKPOINT_DIR": str(tmp_path / "kept")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    found = json.loads((tmp_path / "kept/found.json").read_text())
    assert found == {**EXPECTED, "arguments": ["--epochs=3"]}


def test_two_machines_make_the_same_workspace(repo: Monorepo, tmp_path: Path) -> None:
    repo.write("t/train.py", LOOK)
    build(repo, "train.py")
    trees: List[Any] = []
    for number, umask in enumerate((0o022, 0o077)):
        other = Monorepo(repo.root, tmp_path / str(number), {"TZ": f"UTC+{number}"}, daemon=False)
        other.pants("package", "t:train", umask=umask).assert_success()
        trees.append(read_tree(repo.dist("t/train")))
        shutil.rmtree(repo.root / "dist")
    assert trees[0] == trees[1]
    assert not any(os.fsencode(tmp_path) in content for content, _ in trees[0].values())


@pytest.mark.parametrize(
    "entry_point, more, message",
    [
        ("train.txt", "", "'train.txt' names no function. Write `train.txt:main`"),
        ("../x.py", "", "lies outside the folder of the BUILD file"),
        ("gone.py", "", "no `python_source` target owns t/gone.py"),
        ("gone:main", "", "no `python_source` target has the module `gone`"),
        ("train.py", ", truss='t:sources'", "its `truss` is 't:sources', which is not a `truss`"),
    ],
)
def test_bad_targets(repo: Monorepo, entry_point: str, more: str, message: str) -> None:
    repo.write("t/train.py", LOOK)
    build(repo, entry_point, more)
    for goal in (("package", "t:train"), ("run", "t:train", "--", "--out=out")):
        run = repo.pants(*goal).assert_failure()
        assert "t:train: " in run.stderr
        assert message in run.stderr


def test_a_choice_of_trusses(repo: Monorepo) -> None:
    repo.write("t/train.py", LOOK)
    repo.write("t/prod.yaml", CONFIG)
    build(repo, "train.py", truss="truss()\ntruss(name='prod', config='prod.yaml')")
    run = repo.pants("package", "t:train").assert_failure()
    assert "its BUILD file has several trusses (t:prod, t:t). Name one: `truss=" in run.stderr
    repo.write("t/BUILD", "truss_training(name='train', entry_point='train.py')\n")
    run = repo.pants("package", "t:train").assert_failure()
    assert "its BUILD file has no `truss`. Name one" in run.stderr


def test_training_that_fails(repo: Monorepo) -> None:
    repo.write("t/train.py", "raise SystemExit(7)\n")
    build(repo, "train.py")
    assert repo.pants("run", "t:train", "--", "--out=out").exit_code == 7
    run = repo.pants("run", "t:train")
    assert run.exit_code == 2
    assert "pants run t:train --: error: no output folder. Add --out=FOLDER" in run.stderr


def test_what_a_function_returns(repo: Monorepo) -> None:
    repo.write("t/train.py", "async def main():\n    return 3\n\n\ndef done():\n    return 'x'\n")
    build(repo, "train:main")
    assert repo.pants("run", "t:train", "--", "--out=out").exit_code == 3
    build(repo, "train:done")
    run = repo.pants("run", "t:train", "--", "--out=out").assert_success()
    assert "Training wrote no files to " in run.stderr
    build(repo, "train:mian")
    run = repo.pants("run", "t:train", "--", "--out=out").assert_failure()
    assert (
        "The module `train` has no function `mian`." in run.stderr and "Traceback" not in run.stderr
    )


def test_files_that_the_folder_has_of_its_own(repo: Monorepo) -> None:
    repo.write("t/train.py", LOOK)
    repo.write("t/run_training.py", "")
    build(repo, "train.py")
    run = repo.pants("package", "t:train").assert_failure()
    assert "its truss has a file run_training.py (t/run_training.py), a name that" in run.stderr


def test_the_old_way_is_reported(repo: Monorepo) -> None:
    repo.configure(
        "pants.backend.python", toml=PYTHON_TOML.format(roots='"/t"'), silent_rules=("model-class",)
    )
    repo.write("t/config.yaml", CONFIG + "train: {training_class_filename: fit.py}\n")
    repo.write("t/BUILD", "truss()\n")
    run = repo.pants("--truss-lint-validate-with-truss=off", "lint", "t").assert_failure()
    assert 'truss_training(name="train", entry_point="train.fit:main")' in run.stderr
