"""Runs in separate processes, laid out like a truss, because the script changes its process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from pants_truss.serving.scripts import local_truss
from pants_truss.testutil.processes import is_alive

SCRIPTS = Path(__file__).resolve().parent
VENV = "venvs/1/abc"


def site_packages(venv: Path) -> Path:
    return venv / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "a root"
    for folder in ("local", "app/model", "packages"):
        (root / folder).mkdir(parents=True)
    shutil.copy(SCRIPTS / "local_truss.py", root / "local")
    facts = {"venvs": [{"folder": VENV, "shim": "shim"}]}
    (root / "local/truss.json").write_text(json.dumps(facts))
    site_packages(tmp_path / "cache" / VENV).mkdir(parents=True)
    return root


def start(root: Path, code: str, **environment: str) -> "subprocess.Popen[str]":
    """Writes a script beside it, like the scripts that use it."""
    (root / "local/script.py").write_text(f"import local_truss\n{code}", encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(root / "local/script.py"), "an argument"],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "PEX_ROOT": str(root.parent / "cache"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(root: Path, code: str, exit_code: int = 0, **environment: str) -> str:
    process = start(root, code, **environment)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == exit_code, stderr
    return stdout if not exit_code else stderr


ENTER = "here = local_truss.find_here()\nlocal_truss.enter(here)\nimport json, os, sys\n"


def entered(root: Path, answer: str, **environment: str) -> Any:
    return json.loads(run(root, f"{ENTER}print(json.dumps({answer}))\n", 0, **environment))


def test_the_order_of_folders_is_that_of_an_image(root: Path) -> None:
    own = site_packages(root.parent / "cache" / VENV)
    (own / "more.pth").write_text(f"{root / 'packages'}\nimport sys; sys.from_pth = 1\n")
    path, from_pth, sites = entered(root, "[sys.path, sys.from_pth, here.sites]")
    assert path[0] == str(root / "app")
    assert path[-2:] == [str(own), str(root / "packages")]
    assert from_pth == 1
    assert sites == [str(own)]
    assert str(root / "local") not in path
    assert str(site_packages(Path(sys.prefix))) not in path
    # Only the standard library lies between them.
    standard = [os.path.dirname(json.__path__[0]), *(p for p in path[1:-2] if "lib-dynload" in p)]
    assert {*path[1:-2]} >= {*standard}
    assert not any("site-packages" in entry for entry in path[1:-2])


def test_the_process_looks_as_if_started_in_the_truss(root: Path) -> None:
    cwd, argv, path = entered(root, "[os.getcwd(), sys.argv, os.environ['PATH']]")
    assert cwd == str(root / "app")
    assert argv == [str(root / "app/main.py")]
    assert path == f"{root.parent / 'cache' / VENV / 'bin'}:/usr/bin:/bin"


def test_variables_of_the_start_are_removed(root: Path) -> None:
    left = entered(
        root,
        "sorted(os.environ)",
        PEX_INTERPRETER="1",
        PYTHONPATH=str(root / "packages"),
        PYTHONSTARTUP="x",
        PYTHONHASHSEED="0",
        MINE="1",
    )
    assert {*left} - {"LC_CTYPE"} == {"MINE", "PATH", "PYTHONHASHSEED"}


def test_a_truss_without_files_gets_its_folder(root: Path) -> None:
    shutil.rmtree(root / "app")
    assert entered(root, "os.getcwd()") == str(root / "app")


def test_several_environments_come_in_their_order(root: Path) -> None:
    folders = ["venvs/1/server", "venvs/1/more"]
    venvs = [root.parent / "cache" / folder for folder in folders]
    for venv in venvs:
        site_packages(venv).mkdir(parents=True)
        (site_packages(venv) / "both.py").write_text(f"NAME = {venv.name!r}\n")
    facts = {"venvs": [{"folder": folder, "shim": "shim"} for folder in folders]}
    (root / "local/truss.json").write_text(json.dumps(facts))
    name, sites, path = entered(
        root, "[__import__('both').NAME, here.sites, os.environ['PATH'].split(':')[:2]]"
    )
    assert name == "server"
    assert sites == [str(site_packages(venv)) for venv in venvs]
    assert path == [str(venv / "bin") for venv in venvs]


def test_a_missing_environment_is_created_again(root: Path) -> None:
    venv = root.parent / "cache" / VENV
    shutil.rmtree(venv)
    shim = root / "shim"
    shim.write_text(
        f'#!/bin/sh\n[ "$1$2$PEX_INTERPRETER" = -c1 ] && mkdir -p "{site_packages(venv)}"\n'
    )
    shim.chmod(0o755)
    assert entered(root, "here.sites") == [str(site_packages(venv))]
    # An existing environment is not created again.
    shim.write_text("#!/bin/sh\nexit 1\n")
    assert entered(root, "here.sites") == [str(site_packages(venv))]


def test_an_environment_that_cannot_be_created_is_an_error(root: Path) -> None:
    shutil.rmtree(root.parent / "cache")
    (root / "shim").write_text("#!/bin/sh\nexit 3\n")
    (root / "shim").chmod(0o755)
    assert "returned non-zero exit status 3" in run(root, ENTER, 1)


# The config's environment.


def test_variables_of_the_config(root: Path) -> None:
    config = "environment_variables: {A: x, PYTHONPATH: ':/one::/two:', ä: ö}\nmodel_name: ☃\n"
    (root / "config.yaml").write_text(config, encoding="utf-8")
    yaml: Any = __import__("yaml")
    code = (
        "import json, os, sys\nconfig = local_truss.load_config()\n"
        "local_truss.set_environment(config)\n"
        "print(json.dumps([config['model_name'], sys.path[1:3], sys.path.count(''),"
        " *map(os.environ.get, ('A', 'ä', 'DISABLE_JSON_LOGGING'))]))\n"
    )
    folder = str(Path(yaml.__file__).parent.parent)
    found = json.loads(run(root, code, PYTHONPATH=folder, PYTHONUTF8="1"))
    assert found == ["☃", ["/one", "/two"], 0, "x", "ö", "1"]


@pytest.mark.parametrize(
    "config, expected",
    [
        ("{}", "1"),
        ("{'environment_variables': None}", "1"),
        ("{'environment_variables': {'DISABLE_JSON_LOGGING': ''}}", ""),
    ],
)
def test_logs_are_for_people_unless_the_config_says_otherwise(
    root: Path, config: str, expected: str
) -> None:
    code = f"local_truss.set_environment({config})\nimport os\n"
    assert run(root, f"{code}print(os.environ['DISABLE_JSON_LOGGING'])\n") == f"{expected}\n"


# The model's wrapper.


class Newer:
    def __init__(self, error: Any = None) -> None:
        self.error, self.seen = error, [""]

    def load(self) -> None:
        self._load_impl()

    def _load_impl(self) -> None:
        self.seen = [*sys.path]
        if self.error:
            raise self.error


class Older:
    """Truss before 0.9."""

    seen = [""]

    def load(self) -> None:
        self.seen = [*sys.path]


@pytest.mark.parametrize("base", [Newer, Older])
@pytest.mark.parametrize("has_packages", [True, False])
def test_the_packages_come_last_and_only_when_the_model_loads(
    root: Path, monkeypatch: pytest.MonkeyPatch, base: Any, has_packages: bool
) -> None:
    monkeypatch.setattr(sys, "path", ["/first"])
    if not has_packages:
        (root / "packages").rmdir()
    wrapper: Any = type("Wrapper", (base,), {})
    local_truss.on_load(wrapper, local_truss.Here(root), print)
    assert sys.path == ["/first"]
    model = wrapper()
    model.load()
    assert model.seen == ["/first", *([str(root / "packages")] if has_packages else [])]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_failed_load_is_reported(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    wrapper: Any = type("Wrapper", (Newer,), {})
    told: List[BaseException] = []
    local_truss.on_load(wrapper, local_truss.Here(root), told.append)
    with pytest.raises(type(error)) as caught:
        wrapper(error).load()
    assert told == [error] and caught.value is error


# Processes of a model.

# A program's name may look like the fields that follow it in the list of processes.
HOSTILE_NAME = "x) Z 1 (y"


linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="This is not Linux.")

STARTS = """\
import subprocess, sys, time
local_truss.adopt_orphans()
def start(*command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
# A child, one in a session of its own, and an orphan whose parent has ended.
mine = [start("sleep", "61").pid]
mine.append(subprocess.Popen(["sleep", "62"], start_new_session=True).pid)
parent = start("/bin/sh", "-c", "sleep 63 > /dev/null 2>&1 & echo $!")
mine.append(int(parent.communicate()[0]))
hostile = subprocess.Popen([HOSTILE, "64"])
mine.append(hostile.pid)
"""


def write_hostile(root: Path) -> Path:
    path = root / HOSTILE_NAME
    shutil.copy(shutil.which("sleep") or "/bin/sleep", path)
    return path


@linux
def test_processes_of_a_model_are_killed(root: Path) -> None:
    hostile = write_hostile(root)
    code = (
        f"HOSTILE = {str(hostile)!r}\n{STARTS}"
        "import os\n"
        "for pid in mine:\n"
        "    os.kill(pid, 0)\n"
        "local_truss.end_children()\n"
        "print(mine)\n"
    )
    mine: List[int] = json.loads(run(root, code))
    assert len(mine) == 4
    assert not any(is_alive(pid) for pid in mine)


@linux
def test_leave_ends_threads_and_children(root: Path) -> None:
    hostile = write_hostile(root)
    code = (
        f"HOSTILE = {str(hostile)!r}\n{STARTS}"
        "import threading\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "print(mine, end='')\n"
        "local_truss.leave(7)\n"
    )
    process = start(root, code)
    began = time.monotonic()
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (7, "")
    assert time.monotonic() - began < 30
    # Buffered output is written.
    mine: List[int] = json.loads(stdout)
    assert not any(is_alive(pid) for pid in mine)


@linux
def test_other_processes_are_not_killed(root: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        run(root, "local_truss.adopt_orphans()\nlocal_truss.end_children()\n")
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()


def test_leave_with_closed_streams(root: Path) -> None:
    code = "import sys\nsys.stdout.close()\nsys.stderr = None\nlocal_truss.leave(5)\n"
    assert run(root, code, 5) == ""


def test_facts_are_read_beside_the_script(root: Path) -> None:
    facts: Dict[str, Any] = {"address": "ä:☃", "venvs": []}
    (root / "local/truss.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    link = root.parent / "link"
    link.symlink_to(root)
    code = "here = local_truss.find_here()\nprint(ascii([str(here.root), here.facts]))\n"
    (root / "local/script.py").write_text(f"import local_truss\n{code}")
    found = subprocess.run(
        [sys.executable, str(link / "local/script.py")], capture_output=True, text=True, check=True
    ).stdout
    assert found == f"{ascii([str(root), facts])}\n"
