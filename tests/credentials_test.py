"""No credential is left anywhere: one stands in each place where one can, and one search is for
all of them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from support.base_image import BaseImage
from support.baseten_graph import Fault
from support.credentials import (
    USER,
    Locked,
    Planted,
    Proxy,
    Watch,
    index_of,
    packed_files,
    registry_of,
)
from support.image_layout import Layout
from support.monorepo import DOWNLOADS, IMAGES, PYTHON_TOML, STORE, Monorepo, Run
from support.pushing import PUBLISH_TOML, Pushing
from support.search import files_with
from support.server import Server

# Place -> where the test plants a value.
PLACES = {
    "netrc": "`~/.netrc`: pip logs in to the index with it",
    "index-variable": "a variable that `--extra-index-url` of a requirements list names",
    "git-variable": "a variable that a `git+https://` requirement names",
    "http-proxy": "the URL in HTTP_PROXY: a push goes through that proxy",
    "https-proxy": "the URL in HTTPS_PROXY",
    "trussrc": "`api_key` in `.trussrc`: a push logs in with it",
    "remote-url": "`remote_url` in `.trussrc`, which a push refuses",
    "baseten-api-key": "BASETEN_API_KEY: a push logs in with it",
    "truss-secret": "TRUSS_SECRET_token: the server gives it to the model",
    "shell-token": "HF_TOKEN of the shell",
    "shell-aws": "AWS_SECRET_ACCESS_KEY of the shell",
    "shell-url": "DATABASE_URL of the shell",
    "registry-login": "`~/.docker/config.json`: skopeo logs in to the registry with it",
    "git-credentials": "`~/.git-credentials`",
}
# Part of the model, and of the distribution from the index: the search finds these.
MARKER = "marker-of-the-model-8d02"
# Another one in each run: caches that tests share have that of earlier runs.
WHEEL_MARKER = f"marker-of-the-wheel-{secrets.token_hex(4)}"
MODEL = f"""\
import private_thing  # pants: no-infer-dep


class Model:
    def __init__(self, **kwargs):
        self._secrets = kwargs["secrets"]

    def predict(self, request):
        # {MARKER}
        return [private_thing.NAME, request.get("secret") and self._secrets["token"]]
"""
SMALL_MODEL = f"""\
class Model:
    def predict(self, request):
        return {MARKER!r}
"""
SOURCES = 'python_sources(name="sources", sources=["model/*.py"])\n'


class Verbose(Monorepo):
    """The level is an argument: with PANTS_LEVEL=debug the client of Pants itself logs the whole
    environment that it sends to the daemon."""

    def pants(
        self, *arguments: str, umask: int = 0o022, before: Optional[Callable[[], None]] = None
    ) -> Run:
        return super().pants("-ldebug", *arguments, umask=umask, before=before)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return super().start("-ldebug", *arguments)


class Machine:
    """A repository, and a machine with a value in each place."""

    def __init__(self, base: Path) -> None:
        self.base, self.start = base, time.time()
        self.planted = Planted(list(PLACES))
        self.index = Locked(self.planted["netrc"])
        self.index.pages = index_of("private_thing", f"NAME = {WHEEL_MARKER!r}\n")
        # As the name of pip's index differs, no push sends what `~/.netrc` has for it.
        self.index_netloc = f"localhost:{self.index.port}"
        self.registry = Locked(self.planted["registry-login"])
        self.proxy = Proxy()
        self.pushing = Pushing(base)
        made = self.pushing.repo
        self.repo = Verbose(made.root, made.machine, made.environment, shares_store=True)
        self.home = self.repo.machine / "home"
        self.sandboxes = base / "sandboxes"
        self.sandboxes.mkdir()
        self.plant()
        self.configure()
        self.write_trusses()

    def plant(self) -> None:
        planted, baseten = self.planted, self.pushing.baseten
        self.home.mkdir(parents=True)
        netrc = self.home / ".netrc"
        netrc.write_text(f"machine localhost login {USER} password {planted['netrc']}\n")
        netrc.chmod(0o600)
        credentials = f"https://{USER}:{planted['git-credentials']}@localhost\n"
        (self.home / ".git-credentials").write_text(credentials)
        baseten.account("file", planted["trussrc"])
        baseten.account("env", planted["baseten-api-key"])
        text = baseten.trussrc().replace(f"api_key = {planted['baseten-api-key']}", "")
        url = baseten.url("file").replace("//", f"//{USER}:{planted['remote-url']}@")
        locked = f"[locked]\nremote_provider = baseten\nremote_url = {url}\napi_key = none\n"
        self.pushing.trussrc.write_text(text + locked)
        self.repo.environment.update(
            {
                "INDEX_PASSWORD": planted["index-variable"],
                "GIT_TOKEN": planted["git-variable"],
                "HTTP_PROXY": f"http://{USER}:{planted['http-proxy']}@{self.proxy.address}",
                "BASETEN_API_KEY": planted["baseten-api-key"],
                "TRUSS_SECRET_token": planted["truss-secret"],
                "HF_TOKEN": planted["shell-token"],
                "AWS_SECRET_ACCESS_KEY": planted["shell-aws"],
                "DATABASE_URL": f"postgres://{USER}:{planted['shell-url']}@localhost/db",
            }
        )

    def plant_https_proxy(self) -> None:
        """After the first run, which may download Pex."""
        url = f"http://{USER}:{self.planted['https-proxy']}@{self.proxy.address}"
        self.repo.environment["HTTPS_PROXY"] = url

    def configure(self) -> None:
        self.repo.environment.update(
            {
                "PANTS_KEEP_SANDBOXES": "always",
                # A store of its own. The named caches are those of all tests: they have what Pex has
                # unpacked.
                "PANTS_LOCAL_STORE_DIR": str(self.repo.machine / "cache/store"),
                "PANTS_LOCAL_EXECUTION_ROOT_DIR": str(self.sandboxes),
                # Without HOME, pip takes the home folder of the user that runs this test.
                "PANTS_SUBPROCESS_ENVIRONMENT_ENV_VARS": (
                    '+["PIP_CONFIG_FILE=/dev/null", "REQUESTS_CA_BUNDLE", "HOME"]'
                ),
            }
        )
        toml = PYTHON_TOML.format(roots='"/t/*"') + PUBLISH_TOML + "retries = 0\n"
        self.repo.configure("pants.backend.python", IMAGES, toml=toml, silent_rules=())

    def write_trusses(self) -> None:
        index = f"http://{USER}:${{INDEX_PASSWORD}}@{self.index_netloc}/simple/"
        self.repo.write_all(
            {
                "t/private/BUILD": f'truss(remotes=["file"])\n{SOURCES}'
                'truss_image(name="image", truss=":private", builder="oci", '
                f'base="{self.base_image()}")\n',
                "t/private/config.yaml": "model_name: private\npython_version: py311\n"
                f'requirements: ["--extra-index-url {index}", "private_thing==1.0"]\n'
                "secrets: {token: null}\n",
                "t/private/model/model.py": MODEL,
                "t/private/examples.yaml": "- name: One\n  input: {}\n"
                f"  output: [{WHEEL_MARKER}, null]\n",
                # Its requirements are never installed here.
                "t/git/BUILD": f'truss(remotes=["env"], skip_truss_test=True)\n{SOURCES}',
                "t/git/config.yaml": "model_name: git\npython_version: py311\nrequirements:\n"
                f'- "thing @ git+https://{USER}:${{GIT_TOKEN}}@localhost/thing.git@v1"\n',
                "t/git/model/model.py": SMALL_MODEL,
                "t/locked/BUILD": f'truss(remotes=["locked"], skip_truss_test=True)\n{SOURCES}',
                "t/locked/config.yaml": "model_name: locked\npython_version: py311\n",
                "t/locked/model/model.py": SMALL_MODEL,
            }
        )

    def base_image(self) -> str:
        """A base in the registry, or in the repository if this machine has no skopeo. The login is
        there in any case."""
        address = f"127.0.0.1:{self.registry.port}"
        files = {
            ".docker/config.json": json.dumps(
                {"auths": {address: {"auth": self.planted.basic("registry-login")}}}
            ),
            ".config/containers/registries.conf": (
                f'[[registry]]\nlocation = "{address}"\ninsecure = true\n'
            ),
        }
        for path, text in files.items():
            (self.home / path).parent.mkdir(parents=True)
            (self.home / path).write_text(text)
        if not shutil.which("skopeo"):
            BaseImage(self.repo.root / "images/base").write()
            return "images/base"
        self.registry.pages, digest = registry_of(BaseImage(self.base / "base").write(), "base")
        return f"{address}/base@{digest}"

    def new_in_named_caches(self) -> Iterator[Tuple[Path, bytes]]:
        """The files that have come since the start. Tests that run beside this one add and remove
        some."""
        for folder, _, names in os.walk(DOWNLOADS):
            for path in (Path(folder, name) for name in names):
                with suppress(OSError):
                    is_file = path.is_file() and Path(STORE) not in path.parents
                    if is_file and path.lstat().st_ctime >= self.start - 1:
                        yield path, path.read_bytes()

    def stop(self) -> None:
        self.pushing.stop()
        self.index.stop()
        self.registry.stop()
        self.proxy.stop()


def test_no_credential_is_left_anywhere(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    watch = Watch(machine.planted, ["publish/push.py", "skopeo", "pex"])
    try:
        outputs = run_all(machine)
    finally:
        watch.stop()
        machine.stop()
    check_logins(machine)
    check_that_the_search_works(machine, watch)
    planted = machine.planted
    leaks: Dict[str, List[str]] = {}
    for words, places in watch.found.items():
        leaks[f"the argument list {words}"] = places
    for name, output in outputs.items():
        leaks[f"the output of {name}"] = planted.places_in(output)
    for file, content in machine.new_in_named_caches():
        leaks[str(file)] = planted.places_in(content.decode("utf-8", "replace"))
    # The repository has `dist/` in it and the log of the daemon, `cache` has the store.
    for folder in (machine.repo.root, machine.repo.machine / "cache", machine.sandboxes):
        for path, places in planted.files_in(folder).items():
            leaks[str(folder / path)] = places
    for folder in (machine.repo.root, machine.sandboxes):
        for path, places in planted.packed_files_in(folder).items():
            leaks[f"{folder / path}, unpacked"] = places
    shutil.rmtree(machine.sandboxes)
    lines = [f"{', '.join(places)}: in {where}" for where, places in leaks.items() if places]
    assert not lines, "\n".join(lines)


def run_all(machine: Machine) -> Dict[str, str]:
    """What each run says."""
    repo, baseten = machine.repo, machine.pushing.baseten
    outputs: Dict[str, str] = {}

    def pants(name: str, *arguments: str, exit_code: int = 0) -> None:
        run = repo.pants(*arguments)
        outputs[name] = run.stdout + run.stderr
        lines = [line for line in run.stderr.splitlines() if "[DEBUG]" not in line]
        assert run.exit_code == exit_code, "\n".join([name, *lines])

    pants("package", "package", "::")
    machine.plant_https_proxy()
    pants("lint", "lint", "::")
    pants("check", "check", "::")
    pants("test", "test", "::")
    # Pants itself writes the whole environment of `pants run` into a sandbox that it keeps.
    del repo.environment["PANTS_KEEP_SANDBOXES"]
    with Server(repo, "t/private:private") as server:
        secret = machine.planted["truss-secret"]
        assert server.predict({"secret": True}) == [WHEEL_MARKER, secret]
        server.interrupt()
    repo.environment["PANTS_KEEP_SANDBOXES"] = "always"
    outputs["run"] = server.text
    assert "HF_TOKEN" in outputs["run"] and "DATABASE_URL" in outputs["run"]
    # Servers that repeat what they were sent, as some do when they refuse it.
    for account in ("file", "env"):
        baseten.accounts[account].faults.append(Fault("models", "echo", times=1))
    pants("a refused publish", "publish", "t/private:private", "t/git", exit_code=1)
    assert "not accepted: " in outputs["a refused publish"]
    machine.proxy.refusals = 1
    pants("a publish that a proxy refuses", "publish", "t/git", exit_code=1)
    pants("a publish to a URL with a password", "publish", "t/locked", exit_code=1)
    pants("publish", "publish", "t/private:private", "t/git")
    for account in ("file", "env"):
        assert len(baseten.accounts[account].deployments) == 1
    return outputs


def check_logins(machine: Machine) -> None:
    """The places were really used."""
    planted = machine.planted
    index, registry = machine.index, machine.registry
    assert "/wheels/private_thing-1.0-py3-none-any.whl" in index.opened()
    # No client has sent the value of the variable.
    assert {login for _, login in index.asked} - {""} == {f"Basic {planted.basic('netrc')}"}
    if shutil.which("skopeo"):
        logins = {login for _, login in registry.asked} - {""}
        assert logins == {f"Basic {planted.basic('registry-login')}"}
        assert any("/blobs/" in path for path in registry.opened())
    assert f"Basic {planted.basic('http-proxy')}" in machine.proxy.logins


def check_that_the_search_works(machine: Machine, watch: Watch) -> None:
    repo, planted = machine.repo, machine.planted
    for folder in (repo.machine / "cache", repo.dist("t.private"), machine.sandboxes):
        assert files_with(folder, [MARKER]), folder
    assert any(WHEEL_MARKER.encode() in content for _, content in machine.new_in_named_caches())
    image = repo.dist("t.private/image")
    packed = b"".join(content for _, content in packed_files(image))
    assert MARKER.encode() in packed and WHEEL_MARKER.encode() in packed
    assert "private-thing" in image.with_name("image.cdx.json").read_text()
    assert Layout(image).layers
    assert repo.dist("truss-publish.json").exists()
    assert watch.seen >= {"publish/push.py", "pex"}
    # Each form is found where it was planted.
    found = planted.files_in(machine.home)
    assert {
        path: found[path] for path in (".netrc", ".git-credentials", ".docker/config.json")
    } == {
        ".netrc": ["netrc"],
        ".git-credentials": ["git-credentials"],
        ".docker/config.json": ["registry-login"],
    }
    assert len(found) == 3, found
    in_text = planted.places_in(machine.pushing.trussrc.read_text())
    assert in_text == ["trussrc", "remote-url"]
