"""Images of both builders, run by real engines: what they serve, and that both are the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from support.containers import Engine, Registry, engine_environment, prepared, skopeo
from support.image_layout import Layout
from support.monorepo import PYTHON_TOML, Monorepo
from support.server import Server

CONFIG = """\
python_version: py311
external_package_dirs: [../shared]
requirements: [six==1.16.0, pyyaml==6.0.2]
data_dir: weights
environment_variables: {GREETING: hello}
secrets: {token: null}
"""
MODEL = """\
import os

import bundled
import six
import yaml
from common.text import NAME
from external import part


class Model:
    def __init__(self, **kwargs):
        self._data = kwargs["data_dir"]

    def load(self):
        self._words = (self._data / "words.txt").read_text().split()

    def predict(self, request):
        import lazy

        return {
            "request": request,
            "names": [bundled.NAME, part.NAME, NAME, lazy.NAME],
            "words": self._words,
            "versions": [six.__version__, yaml.__version__],
            "user": [os.getuid(), os.environ["HOME"], os.getcwd()],
            "greeting": os.environ.get("GREETING"),
        }
"""
FILES: Dict[str, str] = {
    "t/it/config.yaml": CONFIG,
    "t/it/model/__init__.py": "",
    "t/it/model/model.py": MODEL,
    "t/it/packages/bundled.py": "NAME = 'bundled'\n",
    "t/it/packages/lazy.py": "NAME = 'lazy'\n",
    "t/it/weights/words.txt": "a b\n",
    "t/it/examples.yaml": "- name: One\n  input: {x: 1}\n",
    "t/it/BUILD": """\
truss()
python_sources(name="sources", sources=["model/*.py", "packages/*.py"])
truss_image(name="docker", truss=":it", pin_requirements=True, build_network="host", image_tags=["1"])
truss_image(name="oci", truss=":it", builder="oci", docker_archive=True, image_tags=["1"])
truss_image(name="context", truss=":it", builder="context")
docker_image(name="by_hand", dependencies=[":it"], image_tags=["1"])
""",
    "t/it/Dockerfile": """\
FROM scratch
COPY t.it/it /truss
""",
    "t/shared/BUILD": """\
truss_external_package()
python_sources(name="sources", sources=["**/*.py"])
""",
    "t/shared/external/__init__.py": "",
    "t/shared/external/part.py": "NAME = 'external'\n",
    "lib/common/BUILD": "python_sources()\n",
    "lib/common/__init__.py": "",
    "lib/common/text.py": "NAME = 'imported'\n",
}
ROOTS = '"/lib", "/t/it", "/t/it/packages", "/t/shared"'
ANSWER: Dict[str, Any] = {
    "request": {"x": 1},
    "names": ["bundled", "external", "imported", "lazy"],
    "words": ["a", "b"],
    "versions": ["1.16.0", "6.0.2"],
    "user": [0, "/root", "/app"],
    "greeting": None,
}
TOML = """
[docker]
env_vars = ["DOCKER_HOST", "HOME"]

[truss-images.bases]
"baseten/truss-server-base:3.11-v0.13.0" = "images/base"
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    return prepared()


@pytest.fixture(scope="module")
def repo(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("containers")
    made = Monorepo(base / "repo", base / "machine", engine_environment(folder))
    toml = PYTHON_TOML.format(roots=ROOTS) + TOML
    made.configure("pants.backend.python", "pants.backend.docker", toml=toml)
    made.write_all(FILES)
    shutil.copytree(folder / "base", made.root / "images/base")
    yield made
    made.stop_daemon()


@pytest.fixture(scope="module")
def docker(folder: Path) -> Engine:
    return Engine("docker", folder)


@pytest.fixture(scope="module")
def podman(folder: Path) -> Engine:
    return Engine("podman", folder)


@pytest.fixture(scope="module")
def built(repo: Monorepo, docker: Engine) -> Dict[str, str]:
    """Builder -> name of its image in Docker."""
    repo.pants("package", "t/it:docker", "t/it:oci", "t/it:context").assert_success()
    info = json.loads(repo.dist("t.it/docker.docker-info.json").read_text())
    assert info["registries"][0]["tags"][0]["name"] == "docker:1"
    return {"docker": "docker:1", "oci": docker.load(repo.dist("t.it/oci.tar"))}


@pytest.mark.parametrize("builder", ["docker", "oci"])
def test_the_image_predicts(builder: str, built: Dict[str, str], docker: Engine) -> None:
    with docker.container(built[builder]) as container:
        assert container.predict({"x": 1}) == ANSWER


DISTRIBUTIONS = """\
import importlib.metadata, json
found = {}
for d in importlib.metadata.distributions():
    found.setdefault(d.metadata["Name"].lower().replace("_", "-"), d.version)
print(json.dumps(found))
"""
MODULES = """\
import json, pkgutil
print(json.dumps(sorted({m.name for m in pkgutil.iter_modules()})))
"""
FILES_OF_APP = """\
import json, os
found = {}
for top in ("/app", "/packages"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if "__pycache__" not in path:
                with open(path, "rb") as file:
                    found[path] = [file.read().decode(), oct(os.stat(path).st_mode)]
print(json.dumps(found))
"""


def test_both_builders_make_the_same_image(built: Dict[str, str], docker: Engine) -> None:
    with docker.container(built["docker"]) as a, docker.container(built["oci"]) as b:
        assert a.python(DISTRIBUTIONS) == b.python(DISTRIBUTIONS)
        # What puts the distributions of an OCI image on the path is the only difference.
        assert set(b.python(MODULES)) - set(a.python(MODULES)) == {"_truss_image"}
        assert set(a.python(MODULES)) <= set(b.python(MODULES))
        environments = [{**c.environment, "HOSTNAME": ""} for c in (a, b)]
        assert environments[0] == environments[1]
        files = [c.python(FILES_OF_APP) for c in (a, b)]
        # Lists of requirements, which the Dockerfile installs from, lie in the server's folder.
        assert files[0] == files[1]
        assert a.predict({"x": 2}) == b.predict({"x": 2})
    configs = [
        json.loads(docker.run("image", "inspect", built[builder]).stdout)[0]["Config"]
        for builder in ("docker", "oci")
    ]
    for key in ("Entrypoint", "Cmd", "User", "WorkingDir"):
        assert configs[0][key] == configs[1][key], key
    assert sorted(configs[0]["Env"]) == sorted(configs[1]["Env"])


def test_scripts_of_distributions_run(built: Dict[str, str], docker: Engine) -> None:
    with docker.container(built["oci"]) as container:
        assert container.run("uvicorn", "--version").startswith("Running uvicorn")


def test_podman_takes_it(repo: Monorepo, podman: Engine, built: Dict[str, str]) -> None:
    name = podman.load(repo.dist("t.it/oci.tar"))
    with podman.container(name) as container:
        assert container.predict({"x": 1}) == ANSWER


def test_tools_take_the_layout(repo: Monorepo, built: Dict[str, str], tmp_path: Path) -> None:
    folder = repo.dist("t.it/oci")
    made = Layout(folder)
    inspected = json.loads(skopeo("inspect", f"oci:{folder}:1"))
    assert inspected["Digest"] == made.digest
    subprocess.run(
        ["umoci", "unpack", "--image", f"{folder}:1", str(tmp_path / "bundle")],
        check=True,
        capture_output=True,
    )
    unpacked = tmp_path / "bundle/rootfs"
    assert (unpacked / "app/model/model.py").read_text() == MODEL
    assert (unpacked / "packages/external/part.py").read_text() == "NAME = 'external'\n"


def test_a_push_brings_only_what_changed(
    repo: Monorepo, built: Dict[str, str], tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    layout = repo.dist("t.it/oci")

    def push() -> List[str]:
        before = len(registry.uploads)
        skopeo(
            "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1",
            f"docker://{registry.address}/it:1",
        )  # fmt: skip
        return registry.uploads[before:]

    try:
        assert len(push()) > 8
        repo.write("t/it/model/model.py", MODEL + "# An edit.\n")
        before = Layout(layout)
        repo.pants("package", "t/it:oci").assert_success()
        after = Layout(layout)
        new = {each.digest for each in after.layers} - {each.digest for each in before.layers}
        uploads = push()
        # The changed layer, the config, the manifest: nothing else.
        assert len(new) == 1 and len(uploads) == 3
        assert [path.split("/")[-2] for path in uploads] == ["uploads", "uploads", "manifests"]
        pulled = json.loads(
            skopeo("inspect", "--tls-verify=false", f"docker://{registry.address}/it:1")
        )
        assert pulled["Digest"] == after.digest
    finally:
        registry.stop()
        repo.write("t/it/model/model.py", MODEL)


def test_a_base_from_a_registry(repo: Monorepo, folder: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    try:
        name = f"{registry.address}/bases/python"
        skopeo(
            "copy",
            "-q",
            "--dest-tls-verify=false",
            f"oci:{folder}/base:base",
            f"docker://{name}:3.11",
        )
        digest = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}:3.11"))[
            "Digest"
        ]
        conf = repo.machine / "home/.config/containers/registries.conf"
        conf.parent.mkdir(parents=True)
        conf.write_text(f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n')
        target = 'truss_image(name="image", truss="t/it:it", builder="oci", base="{}")\n'
        repo.write("pinned/BUILD", target.format(f"{name}@{digest}"))
        repo.write("tagged/BUILD", target.format(f"{name}:3.11"))
        pinned = repo.pants("package", "pinned:image").assert_success()
        tagged = repo.pants("package", "tagged:image").assert_success()
        # The base in the repository is the same, and so is the image.
        repo.pants("package", "t/it:oci").assert_success()
        layouts = [Layout(repo.dist(path)) for path in ("pinned/image", "tagged/image", "t.it/oci")]
        assert len({layout.digest for layout in layouts}) == 1
        assert "Pinned" not in pinned.stderr
        assert f"Pinned, it is {name}:3.11@{digest}" in tagged.stderr
        repo.write("gone/BUILD", target.format(f"{name}:4"))
        error = repo.pants("package", "gone:image").assert_failure().stderr
        assert f"the image {name}:4 cannot be fetched" in error and "manifest unknown" in error
    finally:
        registry.stop()


def test_the_context_is_one(repo: Monorepo, built: Dict[str, str], docker: Engine) -> None:
    context = repo.dist("t.it/context")
    assert not (context / "build_hash").exists()
    assert "FROM baseten/truss-server-base:3.11-v0.13.0" in (context / "Dockerfile").read_text()
    docker.run("build", "-q", "--network=host", "--tag=truss-test-context", str(context))
    with docker.container("truss-test-context") as container:
        answer = container.predict({"x": 1})
    assert answer["names"] == ANSWER["names"]


def test_a_docker_image_may_depend_on_a_truss(repo: Monorepo, docker: Engine) -> None:
    repo.pants("package", "t/it:by_hand").assert_success()
    created = docker.run("create", "by_hand:1", "none").stdout.strip()
    try:
        listed = docker.run("cp", f"{created}:/truss/packages/external/part.py", "-").stdout
    finally:
        docker.run("rm", created)
    assert "NAME = 'external'" in listed


@pytest.mark.parametrize("builder", ["docker", "oci"])
def test_pants_run(repo: Monorepo, built: Dict[str, str], docker: Engine, builder: str) -> None:
    with Server(repo, f"t/it:{builder}") as server:
        answer = server.predict({"x": 1})
        # The variables of the config are for the deployment to set, and this is one.
        assert answer == {**ANSWER, "greeting": "hello"}
        names = docker.run("ps", "--format", "{{.Names}} {{.Ports}}").stdout
        assert f"127.0.0.1:{server.port}->8080/tcp" in names
        assert server.interrupt() < 15
    assert not docker.run("ps", "--quiet").stdout


def test_pants_run_by_podman(repo: Monorepo, built: Dict[str, str]) -> None:
    """Docker's client is there; its daemon is not."""
    before = repo.environment.pop("DOCKER_HOST")
    repo.environment["DOCKER_HOST"] = "unix:///nowhere.sock"
    try:
        with Server(repo, "t/it:oci") as server:
            assert server.predict({"x": 1})["names"] == ANSWER["names"]
    finally:
        repo.environment["DOCKER_HOST"] = before


def test_there_is_no_engine(repo: Monorepo) -> None:
    before = repo.pants("package", "t/it:oci")
    before.assert_success()
    run = repo.pants(
        "--truss-images-executable-search-paths=['/nowhere']", "run", "t/it:oci"
    ).assert_failure()
    assert "there is neither `docker` nor `podman` in /nowhere" in run.stderr


def test_fields_of_a_docker_image(repo: Monorepo, built: Dict[str, str], docker: Engine) -> None:
    """Names, interpolation, build arguments and labels are those of Pants' own docker backend."""
    repo.write(
        "fields/BUILD",
        """\
        truss_image(
            name="image",
            truss="t/it:it",
            build_network="host",
            repository="{directory}/{name}",
            registries=["127.0.0.1:9"],
            image_tags=["{tags.truss_server}", "h-{pants.hash}", "{build_args.HOME}"],
            extra_build_args=["HOME=elsewhere"],
            image_labels={"team": "ml"},
        )
        """,
    )
    repo.pants("package", "fields:image").assert_success()
    info = json.loads(repo.dist("fields/image.docker-info.json").read_text())
    names = {tag["name"].partition("-")[0]: tag["name"] for tag in info["registries"][0]["tags"]}
    assert set(names) == {"127.0.0.1:9/fields/image:" + tag for tag in ("3.11", "h", "elsewhere")}
    config = json.loads(docker.run("image", "inspect", info["image_id"]).stdout)[0]["Config"]
    assert config["Labels"]["team"] == "ml"
    assert "HOME=elsewhere" in config["Env"]


def test_a_layout_is_published_without_docker(
    repo: Monorepo, built: Dict[str, str], podman: Engine, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    conf = repo.machine / "home/.config/containers/registries.conf"
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n')
    before = repo.environment["DOCKER_HOST"]
    repo.environment["DOCKER_HOST"] = "unix:///nowhere.sock"
    try:
        fields = f'registries=["{registry.address}"], repository="x/it", image_tags=["2", "latest"]'
        repo.write(
            "push/BUILD", f'truss_image(name="it", truss="t/it:it", builder="oci", {fields})\n'
        )
        output = tmp_path / "published.json"
        run = repo.pants("publish", f"--output={output}", "push:it").assert_success()
        published = json.loads(output.read_text())
        repo.pants("package", "push:it").assert_success()
        digest = Layout(repo.dist("push/it")).digest
        assert [(p["image"], p["digest"], p["published"]) for p in published] == [
            (f"{registry.address}/x/it:{tag}", digest, True) for tag in ("2", "latest")
        ]
        assert digest in run.stderr
        count = len(registry.uploads)
        repo.pants("publish", "push:it").assert_success()
        assert {path.split("/")[-2] for path in registry.uploads[count:]} <= {"manifests"}
        name = f"{registry.address}/x/it@{digest}"
        podman.run("pull", "--tls-verify=false", name)
        with podman.container(name) as container:
            assert container.predict({"x": 1}) == ANSWER
    finally:
        registry.stop()
        repo.environment["DOCKER_HOST"] = before
    # It is gone now.
    run = repo.pants("publish", "push:it")
    assert run.exit_code != 0
    assert f"{registry.address}/x/it:2 failed" in run.stderr


def test_docker_images_are_published_as_others(
    repo: Monorepo, built: Dict[str, str], tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    try:
        fields = f'registries=["{registry.address}"], image_tags=["2"], build_network="host"'
        repo.write("publish/BUILD", f'truss_image(name="it", truss="t/it:it", {fields})\n')
        repo.pants("publish", "publish:it").assert_success()
        found = json.loads(
            skopeo("inspect", "--tls-verify=false", f"docker://{registry.address}/it:2")
        )
        assert found["Architecture"] == "amd64"
    finally:
        registry.stop()


BUILD_FAILS = "requirements: [six==99.0.0]\npython_version: py311\n"


def test_a_build_that_fails(repo: Monorepo) -> None:
    repo.write("t/bad/config.yaml", BUILD_FAILS)
    repo.write(
        "t/bad/model/model.py", "class Model:\n    def predict(self, x):\n        return x\n"
    )
    repo.write(
        "t/bad/BUILD", 'truss()\ntruss_image(name="image", truss=":bad", build_network="host")\n'
    )
    error = repo.pants("package", "t/bad:image").assert_failure().stderr
    assert "`docker build` failed for the image t/bad:image" in error
    assert "six==99.0.0" in error
    shutil.rmtree(repo.root / "t/bad")


def test_the_example_images(folder: Path, docker: Engine, tmp_path: Path) -> None:
    """As they are, but for where the base comes from and how builds reach the package index."""
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine", engine_environment(folder))
    for path in ("3rdparty/models", "pants-plugins/pants_truss", "src"):
        shutil.copytree(path, repo.root / path)
    toml = Path("pants.toml").read_text().replace("[GLOBAL]", f"{TOML}\n[GLOBAL]", 1)
    repo.write("pants.toml", toml)
    shutil.copytree(folder / "base", repo.root / "images/base")
    build = repo.root / "src/images/BUILD"
    build.write_text(
        build.read_text().replace(':sentiment")', ':sentiment", build_network="host")')
    )
    question = {"text": "What a wonderful, funny story"}
    try:
        repo.pants("package", "src/images:").assert_success()
        skopeo(
            "copy", "-q", f"--dest-daemon-host={docker.environment['DOCKER_HOST']}",
            f"oci:{repo.dist('src.images/sentiment-oci')}:latest", "docker-daemon:example-oci:latest",
        )  # fmt: skip
        answers = []
        for name in ("sentiment:latest", "example-oci:latest"):
            with docker.container(name) as container:
                answers.append(container.predict(question))
        assert answers[0] == answers[1]
        assert answers[0]["sentiment"] == "positive"
    finally:
        repo.stop_daemon()
