"""A repository in a temporary folder, and a real Pants that runs in it with this plugin."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Tuple, Union

from support import pants_release
from support.processes import daemon_pids, wait_for_end

PLUGIN_PATH = Path("pants-plugins").resolve()
CODEGEN_PATH = Path("tests/codegen").resolve()
WORK_UNITS_PATH = Path("tests/work_units").resolve()

PANTS_TOML = """\
[GLOBAL]
backend_packages = [{backends}]
pythonpath = [{pythonpath}]
{options}

[anonymous-telemetry]
enabled = false

[truss-lint]
disable = [{silent_rules}]
"""

# For `configure`, where there are images: without it Pants starts a tenth faster.
IMAGES = "pants_truss.image"

# Most trusses of the tests are about files, and have neither a model nor a config that Truss would
# push.
SILENT_RULES = ("config-schema", "model-class")

# Where Pants finds interpreters, and which certificates it is to trust.
_PASSED_ON = ("PYENV_ROOT", "REQUESTS_CA_BUNDLE")

# Added to what a repository itself says: the configuration of this machine's pip is not for tests.
_ENV_VARS = '+["PIP_CONFIG_FILE=/dev/null", "REQUESTS_CA_BUNDLE"]'

# A Pex of Truss has 83 distributions. Each test would fetch and unpack them again.
DOWNLOADS = os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pants-truss-tests"
)
STORE = os.path.join(DOWNLOADS, "store")

# For `configure`, with the source roots filled in.
PYTHON_TOML = """\

[python]
interpreter_constraints = ["CPython==3.11.*"]

[python-infer]
use_rust_parser = true
ambiguity_resolution = "by_source_root"
init_files = "always"

[source]
root_patterns = [{roots}]
"""


@dataclass(frozen=True)
class Run:
    exit_code: int
    stdout: str
    stderr: str

    def assert_success(self) -> Run:
        assert self.exit_code == 0, self.stderr
        return self

    def assert_failure(self) -> Run:
        assert self.exit_code == 1, f"exit code {self.exit_code}\n{self.stderr}"
        return self


@dataclass
class Monorepo:
    """`machine` holds caches and home: two repositories with different ones share nothing but, by
    default, what Pex has downloaded and unpacked, by its hash. A `fresh` one has not even that. One
    that `shares_store` takes the results of processes from other tests, too: what a test needs but
    is not about, such as an environment with Truss in it, is then made once."""

    root: Path
    machine: Path
    environment: Dict[str, str] = field(default_factory=dict)
    daemon: bool = True
    fresh: bool = False
    shares_store: bool = False

    def configure(
        self,
        *backends: str,
        toml: str = "",
        pythonpath: Tuple[Path, ...] = (),
        silent_rules: Tuple[str, ...] = SILENT_RULES,
    ) -> Monorepo:
        names = ", ".join(f'"{name}"' for name in (*backends, "pants_truss"))
        paths = ", ".join(f'"{path}"' for path in (PLUGIN_PATH, *pythonpath))
        silent = ", ".join(f'"{rule}"' for rule in silent_rules)
        text = PANTS_TOML.format(
            backends=names, pythonpath=paths, options=toml, silent_rules=silent
        )
        self.write("pants.toml", text)
        return self

    def write(
        self, path: str, content: Union[str, bytes] = "", *, executable: bool = False
    ) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        file.write_bytes(data)
        if executable:
            file.chmod(0o755)
        return file

    def replace(self, path: str, content: str) -> None:
        """An edit while Pants watches: at once. Pants reads a file that is emptied and then written
        as soon as it is empty, and may miss the writing (docs/serving.md). And where the new file
        lies beside the old one for a moment, it may start again for both."""
        self.machine.mkdir(parents=True, exist_ok=True)
        new = self.machine / "edited"
        new.write_text(textwrap.dedent(content), encoding="utf-8")
        new.replace(self.root / path)

    def write_all(self, files: Mapping[str, Union[str, bytes]]) -> None:
        for path, content in files.items():
            self.write(path, content)

    def truss(self, folder: str, config: Union[str, bytes] = "") -> Path:
        """A minimal truss with its BUILD file."""
        self.write(f"{folder}/BUILD", "truss()\n")
        self.write(f"{folder}/config.yaml", config)
        self.write(
            f"{folder}/model/model.py",
            "class Model:\n    def predict(self, x):\n        return x\n",
        )
        return self.root / folder

    def package(self, folder: str, files: Mapping[str, Union[str, bytes]]) -> None:
        """A folder of shared code with its BUILD file."""
        self.write(f"{folder}/BUILD", "truss_external_package()\n")
        self.write_all({f"{folder}/{path}": content for path, content in files.items()})

    def pants(
        self, *arguments: str, umask: int = 0o022, before: Optional[Callable[[], None]] = None
    ) -> Run:
        """`before` runs in the new process, before it becomes Pants."""
        process = subprocess.run(
            [pants_release.client(), *arguments],
            cwd=self.root,
            env=self.process_environment(),
            umask=umask,
            preexec_fn=before,
            capture_output=True,
            text=True,
            timeout=500,
        )
        return Run(process.returncode, process.stdout, process.stderr)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Pants, with all that it says in the standard output; for the caller to wait for."""
        return subprocess.Popen(
            [pants_release.client(), *arguments],
            cwd=self.root,
            env=self.process_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def process_environment(self) -> Dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.machine / "home"),
            "XDG_CACHE_HOME": str(self.machine / "cache"),
            "NO_SCIE_WARNING": "1",
            # Without it a Python that starts Pants adds LC_CTYPE, and what asks a daemon does not:
            # processes, which get both, would not be the same to a cache.
            "LANG": "C.UTF-8",
            "PANTS_CONCURRENT": "true" if not self.daemon else "false",
            "PANTS_PANTSD": str(self.daemon).lower(),
            "PANTS_WATCH_FILESYSTEM": str(self.daemon).lower(),
            "PANTS_DYNAMIC_UI": "false",
            "PANTS_COLORS": "false",
            "PANTS_SUBPROCESS_ENVIRONMENT_ENV_VARS": _ENV_VARS,
            **({} if self.fresh else {"PANTS_NAMED_CACHES_DIR": DOWNLOADS}),
            **({"PANTS_LOCAL_STORE_DIR": STORE} if self.shares_store else {}),
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            **pants_release.environment(),
            **pants_release.client_environment(),
            **self.environment,
        }

    def log_work_units(self, *backends: str, toml: str = "") -> Monorepo:
        """Makes `pants_with_work_units` possible; for use in place of `configure`."""
        return self.configure(
            "work_unit_log",
            *backends,
            toml=f'streaming_workunits_level = "trace"\n{toml}',
            pythonpath=(WORK_UNITS_PATH,),
        )

    def pants_with_work_units(self, *arguments: str) -> Tuple[Run, Counter[str]]:
        """A run, and how often each rule ran in it; the plugin's rules without their module. A
        process that was neither cached nor memoized is a `run_local_process`."""
        run, units = self.pants_with_described_work_units(*arguments)
        names = [name for name, _ in units]
        own = [
            name.rpartition(".")[2]
            for name in names
            if name.startswith("pants_truss.") or "." not in name
        ]
        return run, Counter(own)

    def pants_with_described_work_units(self, *arguments: str) -> Tuple[Run, List[Tuple[str, str]]]:
        """A run, and the name and description of each work unit."""
        log = self.root / ".work_units"
        log.unlink(missing_ok=True)
        run = self.pants(*arguments)
        lines = log.read_text().splitlines() if log.exists() else []
        return run, [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines]

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        process = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return process.stdout

    def commit(self) -> None:
        if not (self.root / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
            self.write(".gitignore", "/dist\n/.pants.d\n/.pids\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def dist(self, path: str) -> Path:
        return self.root / "dist" / path

    def stop_daemon(self) -> None:
        """Ends the daemon that this repository's runs have started, by its own pid file."""
        for pid in daemon_pids(self.root):
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)
                wait_for_end(pid)


Tree = Dict[str, Tuple[bytes, bool]]


def read_tree(root: Path) -> Tree:
    """Path -> (content, executable by its owner) of each file; links are followed."""
    tree: Tree = {}
    for folder, _, names in os.walk(root, followlinks=True):
        for name in names:
            path = Path(folder, name)
            tree[path.relative_to(root).as_posix()] = (
                path.read_bytes(),
                bool(path.stat().st_mode & 0o100),
            )
    return tree
