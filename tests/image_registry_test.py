"""Images and a real registry: what is pushed, published, and taken as a base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from support.containers import Engine, Registry, prepared, skopeo
from support.image_layout import Layout
from support.monorepo import Monorepo
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


@pytest.fixture
def registry(repo: Monorepo, tmp_path: Path) -> Iterator[Registry]:
    """On loopback without a certificate, which the tools are told."""
    made = Registry(tmp_path / "registry")
    conf = repo.machine / "home/.config/containers/registries.conf"
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(f'[[registry]]\nlocation = "{made.address}"\ninsecure = true\n')
    yield made
    made.stop()


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
    assert f"Pinned, it is {tagged_name}@{digest}" in tagged.stderr
    repo.write("gone/BUILD", target.format(f"{name}:4"))
    error = repo.pants("package", "gone:image").assert_failure().stderr
    assert f"the image {name}:4 cannot be fetched" in error and "manifest unknown" in error


def test_a_layout_is_published_without_docker(
    repo: Monorepo, registry: Registry, podman: Engine, tmp_path: Path
) -> None:
    fields = f'registries=["{registry.address}"], repository="x/it", image_tags=["2", "latest"]'
    image = f'truss_image(name="it", truss="t/it:it", builder="oci", {fields})\n'
    repo.write("push/BUILD", image)
    output = tmp_path / "published.json"
    run = repo.pants("publish", f"--output={output}", "push:it").assert_success()
    repo.pants("package", "push:it").assert_success()
    digest = Layout(repo.dist("push/it")).digest
    published = json.loads(output.read_text())
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
    registry.stop()
    run = repo.pants("publish", "push:it")
    assert run.exit_code != 0
    assert f"{registry.address}/x/it:2 failed" in run.stderr


def test_docker_images_are_published_as_others(repo: Monorepo, registry: Registry) -> None:
    fields = f'registries=["{registry.address}"], image_tags=["2"], build_network="host"'
    repo.write("publish/BUILD", f'truss_image(name="it", truss="t/it:it", {fields})\n')
    repo.pants("publish", "publish:it").assert_success()
    assert inspect(f"{registry.address}/it:2")["Architecture"] == "amd64"
