"""Runs the script beside `run_training.json`, with a truss in a folder below."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

SCRIPTS = Path(__file__).resolve().parent
TRAIN = "ml/train.py"


class Training:
    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.truss = self.folder / "a truss"
        self.truss.mkdir()
        shutil.copy(SCRIPTS / "run_training.py", self.folder)

    def write(self, name: str, content: str) -> None:
        path = self.truss / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def start(self, *before: str) -> "subprocess.Popen[str]":
        """`before` are words of the command line."""
        return subprocess.Popen(
            [*before, sys.executable, "run_training.py", "--out=out"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, variables: Any = (), **facts: Any) -> Tuple[int, str, str]:
        known: Dict[str, Any] = {
            "command": "pants train a:b --",
            "truss": "a truss",
            "packages": "packages",
            "environment": {},
            "file": None,
            "module": "ml.train",
            "function": "train",
            "config": {"model_name": "ä"},
            "data_dir": "data",
        }
        (self.folder / "run_training.json").write_text(json.dumps({**known, **facts}))
        without = {k: v for k, v in os.environ.items() if k != "BT_CHECKPOINT_DIR"}
        process = subprocess.run(
            [sys.executable, "run_training.py", *arguments],
            cwd=self.folder,
            env={**without, **dict(variables)},
            capture_output=True,
            text=True,
        )
        return process.returncode, process.stdout, process.stderr

    def answer(self, *arguments: str, **options: Any) -> Any:
        """Returns the output of the code."""
        code, stdout, stderr = self.run(*arguments, **options)
        assert code == 0, stderr
        return json.loads(stdout)

    def empty(self, out: str) -> str:
        return f"Training wrote no files to {self.folder / out}.\n"


@pytest.fixture
def training(tmp_path: Path) -> Training:
    return Training(tmp_path)


def printing(expression: str) -> str:
    return f"import json, os, sys\nprint(json.dumps({expression}))\n"


@pytest.mark.parametrize(
    "arguments, rest",
    [
        (["--out=o"], []),
        (["--out", "o", "--epochs", "3"], ["--epochs", "3"]),
        (["--epochs=3", "--out=o", "file.csv", "-v"], ["--epochs=3", "file.csv", "-v"]),
        (["--out=o", "--", "--epochs=3"], ["--epochs=3"]),
        # The code's own arguments, after the `--` that ends those of the script.
        (["--out=o", "--", "--out=mine"], ["--out=mine"]),
        # `--out` has no abbreviation.
        (["--out=o", "--ou=x", "--o", "y"], ["--ou=x", "--o", "y"]),
        (["--out=o", "a b", "", "ä;$x"], ["a b", "", "ä;$x"]),
    ],
)
def test_the_arguments_of_a_script(
    training: Training, arguments: List[str], rest: List[str]
) -> None:
    training.write(TRAIN, printing("[__name__, sys.argv, os.getcwd()]"))
    name, argv, cwd = training.answer(*arguments, file=TRAIN)
    assert (name, cwd) == ("__main__", str(training.truss))
    # Relative to the folder in which it was started.
    out = str(training.folder / "o")
    assert argv == [str(training.truss / TRAIN), "--out", out, *rest]


def test_the_folder_is_there_before_the_code_runs(training: Training) -> None:
    training.write(TRAIN, "import sys\nopen(sys.argv[2] + '/weights', 'w').close()\n")
    assert training.run("--out=deep/er/out", file=TRAIN) == (0, "", "")
    assert (training.folder / "deep/er/out/weights").exists()
    # A second run into the same folder does not empty it.
    training.write(TRAIN, "")
    assert training.run("--out=deep/er/out", file=TRAIN) == (0, "", "")


def test_training_that_writes_no_files_gives_a_warning(training: Training) -> None:
    training.write(TRAIN, "def train(): pass\n")
    assert training.run("--out=o", file=TRAIN) == (0, "", training.empty("o"))
    assert training.run("--out=o") == (0, "", training.empty("o"))


def test_a_script_that_ends_itself(training: Training) -> None:
    training.write(TRAIN, "import sys\nsys.exit(3)\n")
    assert training.run("--out=o", file=TRAIN) == (3, "", "")


def test_the_output_folder_of_a_baseten_job(training: Training) -> None:
    training.write(TRAIN, printing("sys.argv[2]"))
    variables = {"BT_CHECKPOINT_DIR": "kept"}
    assert training.answer(file=TRAIN, variables=variables) == str(training.folder / "kept")
    said = training.answer("--out=mine", file=TRAIN, variables=variables)
    assert said == str(training.folder / "mine")


@pytest.mark.parametrize("arguments", [[], ["--out="], ["--", "--out=o"]])
def test_a_missing_output_folder(training: Training, arguments: List[str]) -> None:
    training.write(TRAIN, "print('it runs')\n")
    code, stdout, stderr = training.run(*arguments, file=TRAIN)
    assert (code, stdout) == (2, "")
    assert stderr.endswith("pants train a:b --: error: no output folder. Add --out=FOLDER\n")
    assert not (training.folder / "o").exists()


def test_the_order_of_folders_is_that_of_the_models_server(training: Training) -> None:
    training.write(TRAIN, "def train():\n    import json, sys\n    print(json.dumps(sys.path))\n")
    training.write("packages/helper.py", "")
    path = training.answer("--out=o")
    assert path[0] == str(training.truss)
    assert path[-1] == str(training.truss / "packages")
    assert str(training.folder) not in path and "" not in path
    assert path.count(str(training.truss)) == 1
    shutil.rmtree(training.truss / "packages")
    assert training.answer("--out=o") == path[:-1]


def test_the_truss_precedes_distributions_and_packages_follow(training: Training) -> None:
    training.write("calendar.py", "NAME = 'truss'\n")
    training.write("packages/base64.py", "NAME = 'packages'\n")
    training.write("packages/calendar.py", "NAME = 'packages'\n")
    training.write("packages/helper.py", "NAME = 'packages'\n")
    code = printing("[getattr(__import__(m), 'NAME', None) for m in sys.argv[3:]]")
    training.write(TRAIN, code)
    names = training.answer("--out=o", "calendar", "base64", "helper", file=TRAIN)
    assert names == ["truss", None, "packages"]


def test_the_code_sees_variables_of_the_config_and_none_of_the_start(training: Training) -> None:
    names = ["A", "B", "PEX_ROOT", "PEX_X"]
    training.write(TRAIN, printing(f"[os.environ.get(name) for name in {names}]"))
    found = training.answer(
        "--out=o",
        file=TRAIN,
        environment={"A": "config", "PEX_X": "config"},
        variables={"A": "mine", "B": "mine", "PEX_ROOT": "x"},
    )
    assert found == ["config", "mine", None, "config"]


def test_an_option_names_the_variables_of_the_shell_that_the_code_sees(training: Training) -> None:
    shutil.copy(SCRIPTS.parent.parent / "serving/scripts/shell_variables.py", training.folder)
    training.write(TRAIN, printing("[os.environ.get(name) for name in ['A', 'B', 'C']]"))
    code, stdout, stderr = training.run(
        "--out=o",
        file=TRAIN,
        environment={"A": "config"},
        env_vars=["C"],
        variables={"A": "mine", "B": "mine", "C": "mine"},
    )
    assert (code, json.loads(stdout)) == (0, ["config", None, "mine"])
    assert "an image does not have: C.\n" in stderr


# Functions.


def test_a_function_gets_its_parameters_by_name(training: Training) -> None:
    code = (
        "import json\nfrom pathlib import Path\n"
        "def train(data_dir, out, more=1, *, config):\n"
        "    assert isinstance(out, Path) and isinstance(data_dir, Path)\n"
        "    print(json.dumps([str(data_dir), str(out), more, config]))\n"
    )
    training.write(TRAIN, code)
    assert training.answer("--out=o", "--epochs=3") == [
        str(training.truss / "data"),
        str(training.folder / "o"),
        1,
        {"model_name": "ä"},
    ]


def test_a_function_that_takes_everything(training: Training) -> None:
    code = "def train(out, **given):\n    print(sorted(given), given['arguments'])\n"
    training.write(TRAIN, code)
    said = "['arguments', 'config', 'data_dir'] ['-x', 'y']\n"
    assert training.run("--out=o", "-x", "y")[:2] == (0, said)


def test_a_coroutine_function(training: Training) -> None:
    code = "import asyncio\nasync def train(out):\n    await asyncio.sleep(0)\n    return 4\n"
    training.write(TRAIN, code)
    assert training.run("--out=o") == (4, "", training.empty("o"))


@pytest.mark.parametrize(
    "value, code", [("None", 0), ("0", 0), ("3", 3), ("'text'", 0), ("{'loss': 1}", 0), ("1.5", 0)]
)
def test_only_an_integer_result_is_an_exit_code(training: Training, value: str, code: int) -> None:
    training.write(TRAIN, f"def train(): return {value}\n")
    assert training.run("--out=o") == (code, "", training.empty("o"))


def test_a_function_sees_arguments_as_a_script_would(training: Training) -> None:
    training.write(TRAIN, "import sys\ndef train(): print(sys.argv)\n")
    assert training.run("--out=o", "--", "-x")[:2] == (0, "['ml.train', '-x']\n")


def test_a_missing_function(training: Training) -> None:
    training.write(TRAIN, "")
    assert training.run("--out=o", function="fit") == (
        1,
        "",
        "The module `ml.train` has no function `fit`. Add it, or fix `entry_point`.\n",
    )


def test_errors_of_the_code_are_raised(training: Training) -> None:
    training.write(TRAIN, "def train():\n    raise ValueError('no data')\n")
    code, _, stderr = training.run("--out=o")
    assert (code, stderr.splitlines()[-1]) == (1, "ValueError: no data")
    assert "wrote no files" not in stderr


# Starts the script as Pants does.
LAUNCHER = "import subprocess, sys\nsubprocess.run(sys.argv[1:])\n"


def test_training_ends_with_the_pants_that_started_it(training: Training) -> None:
    shutil.copy(SCRIPTS.parent.parent / "serving/scripts/parent.py", training.folder)
    training.write(
        TRAIN, "import time\ndef train():\n    print(1, flush=True)\n    time.sleep(600)\n"
    )
    (training.folder / "out").mkdir()
    (training.folder / "out/x").write_text("")
    training.run("--help")
    process = training.start(sys.executable, "-c", LAUNCHER)
    assert process.stdout and process.stdout.readline() == "1\n"
    process.kill()
    # The pipe closes when the training has ended.
    process.communicate(timeout=30)
