"""Images of both builders, run by real engines: what they serve, and that both are the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator

import pytest

from support.containers import Engine, engine_environment, prepared, skopeo
from support.image_layout import Layout
from support.monorepo import Monorepo
from support.repository import settings
from support.served_image import ANSWER, MODEL, TOML, make
from support.server import Server


@pytest.fixture(scope="module")
def folder() -> Path:
    return prepared()


@pytest.fixture(scope="module")
def repo(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("containers")
    made = make(base / "repo", base / "machine", folder)
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
        # The only difference is the module that puts the distributions of an OCI image on the path.
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


def test_pants_run_of_a_model_that_does_not_load(repo: Monorepo, docker: Engine) -> None:
    model = "class Model:\n    def load(self):\n        raise ValueError('no weights')\n"
    repo.write("t/bad/config.yaml", "python_version: py311\n")
    repo.write("t/bad/model/model.py", model + "    def predict(self, x):\n        return x\n")
    repo.write("t/bad/BUILD", 'truss()\ntruss_image(name="image", truss=":bad", builder="oci")\n')
    before = docker.run("ps", "--quiet", "--all").stdout
    run = repo.pants("run", "t/bad:image", "--", "--port=0")
    shutil.rmtree(repo.root / "t/bad")
    assert run.exit_code == 1
    assert "no weights" in run.stdout + run.stderr
    assert "exited before its model was loaded" in run.stdout + run.stderr
    # Others, of tests before, may still be on their way out.
    after = docker.run("ps", "--quiet", "--all").stdout
    assert set(after.split()) <= set(before.split())


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
    assert "no `docker` or `podman` in /nowhere" in run.stderr


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
    assert "t/bad:image: `docker build` failed" in error
    assert "six==99.0.0" in error
    shutil.rmtree(repo.root / "t/bad")


def test_the_example_images(folder: Path, docker: Engine, tmp_path: Path) -> None:
    """As they are, but for where the base comes from and how builds reach the package index."""
    repo = Monorepo(tmp_path / "repo", tmp_path / "machine", engine_environment(folder))
    for path in ("3rdparty/models", "pants-plugins/pants_truss", "src"):
        shutil.copytree(path, repo.root / path)
    toml = settings().replace("[GLOBAL]", f"{TOML}\n[GLOBAL]", 1)
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
