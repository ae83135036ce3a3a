"""Gives a process the same files at the same paths, and the same module path, as the server in an
image of the truss.

In an image the module path is `/app`, the standard library, the installed distributions, and
`/packages`, which the server appends just before it loads the model (`model_wrapper.py`,
`_load_impl`).

Runs in the environment of the truss, on any Python that Truss has supported since 3.9. Before
`enter`, only the standard library is there.
"""

import ctypes
import importlib
import json
import os
import site
import subprocess
import sys
import sysconfig
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List


class Here:
    """The folder of this process, and `facts` about the truss in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.facts: Dict[str, Any] = json.loads((root / "local/truss.json").read_text("utf-8"))
        self.app = root / "app"
        self.packages = root / "packages"
        # The folders of the distributions, once `enter` has run.
        self.sites: List[str] = []


def find_here() -> Here:
    return Here(Path(__file__).resolve().parent.parent)


def enter(here: Here) -> None:
    """Enters the environment. Before this call, only the standard library and the scripts of this
    folder can be imported."""
    venvs = [_find_venv(here, venv) for venv in here.facts["venvs"]]
    here.sites = [_site_packages(venv) for venv in venvs]
    _set_path(here.app, here.sites)
    folders = [str(venv / "bin") for venv in venvs] + [os.environ.get("PATH", os.defpath)]
    os.environ["PATH"] = os.pathsep.join(folders)
    # The model and its subprocesses must not see how this process was started.
    for name in [*os.environ]:
        if name.startswith("PEX_") or name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"):
            del os.environ[name]
    here.app.mkdir(exist_ok=True)
    os.chdir(here.app)
    sys.argv[:] = [str(here.app / "main.py")]


def _find_venv(here: Here, venv: Dict[str, str]) -> Path:
    folder = Path(os.environ["PEX_ROOT"]).resolve() / venv["folder"]
    if not folder.exists():
        # The cache may have been emptied, or filled on another machine.
        subprocess.run(
            [str(here.root / venv["shim"]), "-c", ""],
            env={**os.environ, "PEX_INTERPRETER": "1"},
            check=True,
        )
    return folder


def _site_packages(venv: Path) -> str:
    # Names the scheme, because the Python of a Linux distribution may have its own default.
    folders = {"base": str(venv), "platbase": str(venv)}
    return sysconfig.get_path("purelib", "posix_prefix", vars=folders)


def _set_path(app: Path, sites: List[str]) -> None:
    scripts = os.path.dirname(os.path.abspath(__file__))
    own = {scripts, "", _site_packages(Path(sys.prefix))}
    standard = [entry for entry in sys.path if entry not in own]
    sys.path[:] = standard
    for folder in sites:
        # Also processes `.pth` files, as in an image.
        site.addsitedir(folder)
    added = [entry for entry in sys.path if entry not in standard]
    sys.path[:] = [str(app), *standard, *added]
    importlib.invalidate_caches()


def adopt_orphans() -> None:
    """Makes orphaned processes of the model children of this process, so that `end_children` finds
    them. Works on Linux only."""
    with suppress(Exception):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def end_children() -> None:
    """Kills the processes that a model started. Otherwise they would outlive it, and keep an
    inherited port, or the output whose end Pants waits for."""
    try:
        # The server of each release of Truss brings it.
        psutil = importlib.import_module("psutil")
    except ImportError:
        # Before `enter`, no model has started anything.
        return
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        children = psutil.Process().children(recursive=True)
        running = [child for child in children if _is_running(psutil, child)]
        if not running:
            return
        for child in running:
            with suppress(psutil.Error):
                child.kill()
        with suppress(OSError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def _is_running(psutil: Any, process: Any) -> bool:
    """Returns False for a process that has ended and that no parent has reaped."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def leave(code: int) -> None:
    """Ends this process, whatever threads the model still runs, and all processes it started."""
    end_children()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


def load_config() -> Dict[str, Any]:
    """Returns the config in the working folder."""
    yaml = importlib.import_module("yaml")
    with open("config.yaml", encoding="utf-8") as file:
        return dict(yaml.safe_load(file))


def set_environment(config: Dict[str, Any]) -> None:
    variables = config.get("environment_variables") or {}
    os.environ.update(variables)
    # Python reads this variable only when it starts.
    sys.path[1:1] = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
    # Logs for people; in an image they are JSON.
    os.environ.setdefault("DISABLE_JSON_LOGGING", "1")


def on_load(wrapper_class: Any, here: Here, failed: Callable[[BaseException], None]) -> None:
    """Makes the server's model wrapper append the packages when it loads the model, and report why
    a load fails. Releases before 0.9 load in `load` itself."""
    name = "_load_impl" if hasattr(wrapper_class, "_load_impl") else "load"
    load = getattr(wrapper_class, name)

    def load_impl(self: Any) -> None:
        if here.packages.exists():
            sys.path.append(str(here.packages))
        try:
            load(self)
        except BaseException as e:
            failed(e)
            raise

    setattr(wrapper_class, name, load_impl)
