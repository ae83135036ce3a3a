"""Images and a real registry: what is pushed, published, and taken as a base."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from support.containers import Engine, Registry, prepared, skopeo
from support.cut import Cut
from support.image_layout import Layout
from support.monorepo import Monorepo
from support.search import files_with, processes_with
from support.served_image import ANSWER, MODEL, make


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
def podman(folder: Path) -> Engine:
    return Engine("podman", folder)


@pytest.fixture(scope="module")
def docker(folder: Path) -> Engine:
    return Engine("docker", folder)


@pytest.fixture
def registry(repo: Monorepo, tmp_path: Path) -> Iterator[Registry]:
    """A registry on loopback without a certificate. The tools are configured to trust it."""
    made = Registry(tmp_path / "registry")
    trust(repo, made.address)
    yield made
    made.stop()


def trust(repo: Monorepo, address: str) -> None:
    conf = repo.machine / "home/.config/containers/registries.conf"
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n')


def inspect(name: str) -> Dict[str, Any]:
    found: Dict[str, Any] = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
    return found


def test_a_push_brings_only_what_changed(repo: Monorepo, registry: Registry) -> None:
    layout = repo.dist("t.it/oci")
    name = f"{registry.address}/it:1"

    def push() -> Tuple[Layout, List[str]]:
        repo.pants("package", "t/it:oci").assert_success()
        before = len(registry.uploads)
        skopeo("copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{name}")
        return Layout(layout), registry.uploads[before:]

    before, uploads = push()
    assert len(uploads) > 8
    repo.write("t/it/model/model.py", MODEL + "# An edit.\n")
    after, uploads = push()
    repo.write("t/it/model/model.py", MODEL)
    # The changed layer, the config, the manifest: nothing else.
    assert [path.split("/")[-2] for path in uploads] == ["uploads", "uploads", "manifests"]
    new = {each.digest for each in after.layers} - {each.digest for each in before.layers}
    assert len(new) == 1
    assert inspect(name)["Digest"] == after.digest


def test_a_base_from_a_registry(repo: Monorepo, folder: Path, registry: Registry) -> None:
    name = f"{registry.address}/bases/python"
    source, tagged_name = f"oci:{folder}/base:base", f"{name}:3.11"
    skopeo("copy", "-q", "--dest-tls-verify=false", source, f"docker://{tagged_name}")
    digest = inspect(tagged_name)["Digest"]
    target = 'truss_image(name="image", truss="t/it:it", builder="oci", base="{}")\n'
    repo.write("pinned/BUILD", target.format(f"{name}@{digest}"))
    repo.write("tagged/BUILD", target.format(tagged_name))
    pinned = repo.pants("package", "pinned:image").assert_success()
    tagged = repo.pants("package", "tagged:image").assert_success()
    # The base in the repository is the same, and so is the image.
    repo.pants("package", "t/it:oci").assert_success()
    layouts = [Layout(repo.dist(path)) for path in ("pinned/image", "tagged/image", "t.it/oci")]
    assert len({layout.digest for layout in layouts}) == 1
    assert "Pinned" not in pinned.stderr
    assert f"To pin it, write {tagged_name}@{digest}" in tagged.stderr
    repo.write("gone/BUILD", target.format(f"{name}:4"))
    error = repo.pants("package", "gone:image").assert_failure().stderr
    assert f"the image {name}:4 cannot be fetched" in error and "manifest unknown" in error


# As on a machine that has none.
NO_DOCKER = ("--docker-executable-search-paths=['/nowhere']",)


def test_a_layout_is_published_without_docker(
    repo: Monorepo, registry: Registry, podman: Engine, docker: Engine, tmp_path: Path
) -> None:
    fields = f'registries=["{registry.address}"], repository="x/it", image_tags=["2", "latest"]'
    image = f'truss_image(name="it", truss="t/it:it", builder="oci", {fields})\n'
    repo.write("publish/BUILD", image)
    output = tmp_path / "published.json"
    run = repo.pants(*NO_DOCKER, "publish", f"--output={output}", "publish:it").assert_success()
    repo.pants("package", "publish:it").assert_success()
    digest = Layout(repo.dist("publish/it")).digest
    name = f"{registry.address}/x/it@{digest}"
    published = json.loads(output.read_text())
    assert [(p["image"], p["digest"], p["published"]) for p in published] == [
        (f"{registry.address}/x/it:{tag}", digest, True) for tag in ("2", "latest")
    ]
    assert digest in run.stderr
    count = len(registry.uploads)
    repo.pants("publish", "publish:it").assert_success()
    assert {path.split("/")[-2] for path in registry.uploads[count:]} <= {"manifests"}
    skopeo("copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/pulled:2")
    assert Layout(tmp_path / "pulled").digest == digest
    podman.run("pull", "--tls-verify=false", name)
    docker.run("pull", name)
    for engine in (podman, docker):
        with engine.container(name) as container:
            assert container.predict({"x": 1}) == ANSWER
    registry.stop()
    run = repo.pants("--truss-publish-retries=0", "publish", "publish:it")
    assert run.exit_code != 0
    assert f"{registry.address}/x/it:2 failed" in run.stderr


def test_docker_images_are_published_as_others(repo: Monorepo, registry: Registry) -> None:
    fields = f'registries=["{registry.address}"], image_tags=["2"], build_network="host"'
    repo.write("publish/BUILD", f'truss_image(name="it", truss="t/it:it", {fields})\n')
    repo.pants("publish", "publish:it").assert_success()
    assert inspect(f"{registry.address}/it:2")["Architecture"] == "amd64"
    error = repo.pants(*NO_DOCKER, "publish", "publish:it").assert_failure().stderr
    assert "`docker`" in error


HELPER = """\
#!/bin/sh
# As of a cloud: `get` is asked on standard input for one registry.
read -r registry
echo "$1 $registry" >>{log}
echo '{{"Username": "ci", "Secret": "planted-password"}}'
"""


def test_two_registries_one_with_a_credential_helper(
    repo: Monorepo, registry: Registry, tmp_path: Path
) -> None:
    """The helper lies where `PATH` leads, and nowhere else."""
    locked = Registry(tmp_path / "locked", login=("ci", "planted-password"))
    conf = repo.machine / "home/.config/containers/registries.conf"
    conf.write_text(
        "".join(
            f'[[registry]]\nlocation = "{each.address}"\ninsecure = true\n'
            for each in (registry, locked)
        )
    )
    helper = repo.write("../tools/docker-credential-cloud", executable=True)
    helper.write_text(HELPER.format(log=tmp_path / "asked"))
    auth = repo.write("../machine/home/.docker/config.json")
    auth.write_text(json.dumps({"credHelpers": {locked.address: "cloud"}}))
    repo.environment["PATH"] = f"{helper.parent}:{os.environ['PATH']}"
    registries = f'["{registry.address}", "{locked.address}"]'
    fields = f'builder="oci", registries={registries}, image_tags=["1"]'
    repo.write("both/BUILD", f'truss_image(name="it", truss="t/it:it", {fields})\n')
    try:
        repo.pants("publish", "both:it").assert_success()
        assert f"get {locked.address}" in (tmp_path / "asked").read_text()
        repo.pants("package", "both:it").assert_success()
        digest = Layout(repo.dist("both/it")).digest
        for each in (registry, locked):
            assert digest.partition(":")[2] in each.blobs()
    finally:
        locked.stop()
        auth.unlink()
        auth.parent.rmdir()
        del repo.environment["PATH"]


def test_an_upload_that_breaks_off(repo: Monorepo, registry: Registry) -> None:
    way = Cut(registry.address, lambda: threading.Timer(0.3, way.mend).start())
    trust(repo, way.address)
    fields = f'truss="t/it:it", builder="oci", registries=["{way.address}"], image_tags=["1"]'
    repo.write("broken/BUILD", f'truss_image(name="image", {fields})\n')
    try:
        way.cut(after=5_000_000)
        option = "--truss-publish-retry-delay=0.5"
        run = repo.pants(option, "publish", "broken:image").assert_success()
        assert run.stderr.count("Retrying in 0.5 s.") == 1
        repo.pants("package", "broken:image").assert_success()
        digest = Layout(repo.dist("broken/image")).digest
        assert inspect(f"{way.address}/image:1")["Digest"] == digest
    finally:
        way.stop()


def test_a_registry_that_dies_during_a_push(repo: Monorepo, registry: Registry) -> None:
    way = Cut(registry.address, registry.kill)
    trust(repo, way.address)
    repo.write("big/config.yaml", "python_version: py311\nmodel_name: big\n")
    repo.write("big/model/model.py", MODEL)
    # Does not compress.
    size = 3_000_000
    repo.write("big/data/weights.bin", random.Random(0).getrandbits(8 * size).to_bytes(size, "big"))
    fields = f'truss=":big", builder="oci", registries=["{way.address}"], image_tags=["1"]'
    repo.write("big/BUILD", f'truss()\ntruss_image(name="image", {fields})\n')
    name = f"{way.address}/image:1"
    try:
        way.cut(after=1_500_000)
        options = ("--truss-publish-retries=1", "--truss-publish-retry-delay=0.1")
        run = repo.pants(*options, "publish", "big:image").assert_failure()
        assert run.stderr.count("Retrying in 0.1 s.") == 1
        assert f"✕ {name} failed" in run.stderr
        # The message has the operation, the registry and the error.
        place = re.escape(way.address)
        assert re.search(rf"level=fatal msg=.*(blob|ping).*{place}.*: .+", run.stderr)
        registry.start()
        way.mend()
        repo.pants("publish", "big:image").assert_success()
        repo.pants("package", "big:image").assert_success()
        assert inspect(name)["Digest"] == Layout(repo.dist("big/image")).digest
    finally:
        way.stop()


def test_a_dry_run(repo: Monorepo, registry: Registry) -> None:
    fields = f'truss="t/it:it", registries=["{registry.address}"], image_tags=["3"]'
    repo.write(
        "dry/BUILD",
        f"""\
        truss_image(name="oci", builder="oci", {fields})
        truss_image(name="docker", build_network="host", {fields})
        """,
    )
    run = repo.pants("--truss-publish-dry-run", "publish", "dry::").assert_success()
    assert f"- {registry.address}/oci:3 skipped (dry run: would be pushed @sha256:" in run.stderr
    assert f"- {registry.address}/docker:3 skipped (dry run: would be pushed by D" in run.stderr
    assert registry.uploads == []
    repo.pants("publish", "dry::").assert_success()
    assert inspect(f"{registry.address}/docker:3")["Architecture"] == "amd64"


def test_a_registry_that_wants_a_password(repo: Monorepo, tmp_path: Path) -> None:
    """It comes from where skopeo has it, and is left nowhere."""
    password = "planted-password-3c81d2"
    encoded = base64.b64encode(f"ci:{password}".encode()).decode()
    registry = Registry(tmp_path / "registry", login=("ci", password))
    trust(repo, registry.address)
    fields = f'truss="t/it:it", builder="oci", registries=["{registry.address}"], image_tags=["1"]'
    repo.write("locked/BUILD", f'truss_image(name="it", {fields})\n')
    auth = repo.machine / "home/.docker/config.json"
    argument_lists: List[str] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            argument_lists.extend(processes_with([password, encoded]))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        error = repo.pants("publish", "locked:it").assert_failure().stderr
        assert "Retrying in" not in error
        assert "authentication required" in error or "unauthorized" in error
        auth.parent.mkdir()
        auth.write_text(json.dumps({"auths": {registry.address: {"auth": encoded}}}))
        run = repo.pants("--no-pantsd", "-ltrace", "publish", "locked:it").assert_success()
    finally:
        done.set()
        watcher.join()
        registry.stop()
    assert argument_lists == []
    assert "Execute InteractiveProcess(" in run.stderr
    assert password not in run.stderr and encoded not in run.stderr
    for folder in (repo.root, repo.machine / "cache"):
        assert files_with(folder, [password, encoded]) == []
    assert files_with(auth.parent, [encoded]) == ["config.json"]
    auth.unlink()
