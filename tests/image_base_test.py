"""`truss_image(builder="oci")`, without any engine: bases that are hostile or do not fit, and other
errors."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from typing import Any, Dict, Iterator, List

import pytest

from support.base_image import BaseImage, layer, link, member, python_layer
from support.image_layout import Layout
from support.images import CONFIG, LAYERS, image, make, package, refused, restore
from support.monorepo import Monorepo


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("images")
    made = make(base / "repo", base / "machine", shares_store=True)
    made.commit()
    yield made
    made.stop_daemon()


@pytest.fixture(autouse=True)
def restored(repo: Monorepo) -> Iterator[None]:
    """Each test begins with the same repository, and the caches of those before it."""
    yield
    restore(repo)


def hostile(repo: Monorepo, *members: tarfile.TarInfo) -> None:
    shutil.rmtree(repo.root / "images/base")
    BaseImage(repo.root / "images/base", layers=[layer(python_layer()), layer(members)]).write()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("../evil")], "has the entry '../evil', which leads out of the image"),
        ([member("a/../../evil")], "has the entry 'a/../../evil', which leads out of the image"),
        ([member("/etc/evil")], "has the entry '/etc/evil', which leads out of the image"),
        ([link("app", "/etc")], "its /app is a link to '/etc'"),
        ([link("packages", "../..")], "its /packages is a link to '../..'"),
        (
            [member("x", "../../etc/passwd", tarfile.LNKTYPE)],
            "which leads out of the image",
        ),
        ([link("usr/bin/python3", "../../../nowhere")], "it has no python3 on its PATH"),
        ([link("usr/bin/python3", "python3")], "it has no python3 on its PATH"),
    ],
)
def test_hostile_base_layers(repo: Monorepo, members: List[tarfile.TarInfo], message: str) -> None:
    hostile(repo, *members)
    assert message in refused(repo)


def test_links_of_a_base_that_lead_nowhere_near_are_carried(repo: Monorepo) -> None:
    hostile(repo, link("etc/far", "/../../../outside"), member("odd\nname"))
    made = package(repo)
    assert len(made.manifest["layers"]) == len(LAYERS) + 2


def test_whiteouts_of_a_base_count(repo: Monorepo) -> None:
    hostile(repo, member("usr/bin/.wh.python3"))
    assert "It has /usr/bin/python3.11." in refused(repo)


def corrupt(repo: Monorepo, size: bool) -> str:
    blobs = BaseImage(repo.root / "images/base").blobs
    largest = max(blobs, key=lambda path: path.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content + b"x" if size else content[:-1] + b"x")
    return largest.name


@pytest.mark.parametrize("size", [False, True])
def test_a_corrupt_blob(repo: Monorepo, size: bool) -> None:
    name = corrupt(repo, size)
    error = refused(repo)
    assert f"the content of blobs/sha256/{name} has the digest sha256:" in error
    assert "The layout is corrupt: fetch it again." in error


def test_a_base_as_docker_writes_it(repo: Monorepo) -> None:
    """Its layers are passed on, by the names that go with the rest of the image."""
    folder = repo.root / "images/base"
    shutil.rmtree(folder)
    base = BaseImage(folder)
    base.add()
    manifest = Layout(base.write().folder).manifest
    docker = "application/vnd.docker"
    manifest["mediaType"] = f"{docker}.distribution.manifest.v2+json"
    manifest["config"]["mediaType"] = f"{docker}.container.image.v1+json"
    for entry in manifest["layers"]:
        entry["mediaType"] = f"{docker}.image.rootfs.diff.tar.gzip"
    base.manifests = [base.blob(json.dumps(manifest).encode(), manifest["mediaType"])]
    base.write()
    types = {entry["mediaType"] for entry in package(repo).manifest["layers"]}
    assert types == {"application/vnd.oci.image.layer.v1.tar+gzip"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"Env": 5}, "`config.Env` in its config is 5"),
        ({"Labels": ["x"]}, '`config.Labels` in its config is ["x"]'),
        ({"OnBuild": ["RUN x"]}, 'has ONBUILD commands (["RUN x"])'),
    ],
)
def test_a_bad_config(repo: Monorepo, config: Dict[str, Any], message: str) -> None:
    shutil.rmtree(repo.root / "images/base")
    BaseImage(repo.root / "images/base", config=config).write()
    assert message in refused(repo)


def test_layers_that_are_not_those_of_the_config(repo: Monorepo) -> None:
    folder = repo.root / "images/base"
    shutil.rmtree(folder)
    base = BaseImage(folder)
    base.add()
    other = BaseImage(folder, layers=[layer([*python_layer(), member("etc/other")])])
    other.add()
    mine, theirs = (
        json.loads((folder / "blobs/sha256" / d["digest"][7:]).read_text())
        for d in (base.manifests[0], other.manifests[0])
    )
    mixed = {**mine, "config": theirs["config"]}
    base.manifests = [base.blob(json.dumps(mixed).encode(), mixed["mediaType"])]
    base.write()
    assert "but its config says sha256:" in refused(repo)


def rewrite_index(repo: Monorepo, **entry: Any) -> None:
    path = repo.root / "images/base/index.json"
    index = json.loads(path.read_text())
    index["manifests"][0].update(entry)
    path.write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"digest": "sha256:../../../../etc/passwd"}, "which is not a sha256 digest"),
        ({"digest": "md5:" + "0" * 32}, "which is not a sha256 digest"),
        ({"digest": "sha256:" + "0" * 64}, "the layout lacks blobs/sha256/0000"),
        ({"size": -1}, "the invalid size -1"),
        ({"size": 10**9}, "bytes, but the image declares 1000000000"),
        ({"platform": {"os": "linux", "architecture": "s390x"}}, "it has linux/s390x"),
        ({"mediaType": "text/html"}, "lists no image"),
    ],
)
def test_a_bad_index(repo: Monorepo, entry: Dict[str, Any], message: str) -> None:
    rewrite_index(repo, **entry)
    assert message in refused(repo)


def test_a_base_with_another_python(repo: Monorepo) -> None:
    shutil.rmtree(repo.root / "images/base")
    BaseImage(repo.root / "images/base", layers=[layer(python_layer("3.10"))]).write()
    error = refused(repo)
    assert "has Python 3.10, but `python_version` is py311" in error
    assert "`python_version: py310`" in error


def test_a_base_without_python(repo: Monorepo) -> None:
    shutil.rmtree(repo.root / "images/base")
    BaseImage(repo.root / "images/base", layers=[layer([member("etc/x")])]).write()
    assert "it has no python3 on its PATH '/usr/local/bin:/usr/bin'" in refused(repo)


def test_a_base_that_is_nowhere(repo: Monorepo) -> None:
    repo.write("src/a/BUILD", image("a", base="images/none/"))
    assert "'images/none/' is not an image reference" in refused(repo)
    # Which could be someone's in a public registry.
    repo.write("src/a/BUILD", image("a", base="image/base"))
    error = refused(repo)
    assert "The repository has no folder 'image/base' either" in error
    assert "`image/base:TAG`" in error
    repo.write("src/a/BUILD", image("a", base="images"))
    error = refused(repo)
    assert "the folder images of the repository is not an OCI layout" in error


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("system_packages: [ffmpeg]", "only a Dockerfile supports `system_packages`"),
        ("build_commands: [make]", "only a Dockerfile supports `build_commands`"),
        ("live_reload: true", "only a Dockerfile supports `live_reload`"),
        (
            "external_data: [{url: 'http://127.0.0.1/x', local_data_path: x}]",
            "only a Dockerfile supports `external_data`",
        ),
        (
            "docker_server: {start_command: serve, server_port: 80, predict_endpoint: /,"
            " readiness_endpoint: /, liveness_endpoint: /}",
            "only a Dockerfile supports `docker_server`",
        ),
    ],
)
def test_what_only_a_dockerfile_can_do(repo: Monorepo, config: str, message: str) -> None:
    repo.write("src/a/config.yaml", f"{CONFIG}{config}\n")
    error = refused(repo)
    assert message in error
    assert 'Use `builder="docker"`' in error


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"squash": True}, "The 'squash' field in target src/a:image has no effect with"),
        ({"pin_requirements": True}, "The 'pin_requirements' field"),
        (
            {"builder": "context", "base": None, "squash": True},
            "The 'squash' field in target src/a:image has no effect with `builder=\"context\"`",
        ),
        ({"builder": "docker"}, "The 'base' field in target src/a:image has no effect with"),
        ({"image_tags": ["a b"]}, "has 'a b', which is not a valid image tag"),
        ({"image_tags": []}, "must name at least one tag"),
        ({"repository": "UP per"}, "'up per', which is not a valid image name"),
        ({"truss": ":image"}, "is ':image', which is a 'truss_image' target. Name a `truss`."),
        ({"platforms": ["windows/amd64"]}, "'windows/amd64' is not a supported platform"),
        ({"platforms": ["linux/amd64"] * 2}, "none twice"),
    ],
)
def test_bad_fields(repo: Monorepo, fields: Dict[str, Any], message: str) -> None:
    repo.write("src/a/BUILD", image("a", **fields))
    assert message in refused(repo)


RUN = "\\nRUN touch /evil"
HOSTILE = {
    "base_image": f'base_image: {{image: "x{RUN}"}}',
    "python_executable_path": (
        f'base_image: {{image: x, python_executable_path: "/usr/bin/python3{RUN}"}}'
    ),
    "PORT": f'environment_variables: {{PORT: "1\\"{RUN}"}}',
    "HOSTNAME": f'environment_variables: {{HOSTNAME: "x{RUN}"}}',
    "system_packages": f'system_packages: ["x{RUN}"]',
    "data_dir": f'data_dir: "data{RUN}"',
    "model_module_dir": f'model_module_dir: "model{RUN}"',
    "bundled_packages_dir": f'bundled_packages_dir: "packages{RUN}"',
    "requirements_file": f'requirements_file: "r.txt{RUN}"',
    "url": f'external_data: [{{url: "http://x/{RUN}", local_data_path: x}}]',
    "local_data_path": f'external_data: [{{url: "http://x", local_data_path: "x{RUN}"}}]',
    "start_command": (
        f'docker_server: {{start_command: "x{RUN}", server_port: 80, predict_endpoint: /,'
        f" readiness_endpoint: /, liveness_endpoint: /}}"
    ),
    "secret_to_path_mapping": (
        f'build: {{secret_to_path_mapping: {{a: "/x{RUN}"}}}}\nbuild_commands: [x]'
    ),
}


# Truss writes it where a line break is part of the value.
ESCAPED = {"start_command"}


@pytest.mark.parametrize("key", HOSTILE)
def test_a_line_break_in_what_a_dockerfile_has(repo: Monorepo, key: str) -> None:
    repo.write("src/a/config.yaml", f"python_version: py311\n{HOSTILE[key]}\n")
    repo.write("src/a/BUILD", image("a"))
    assert "src/a/config.yaml" in refused(repo)
    repo.write("src/a/BUILD", image("a", builder="context", base=None))
    if key not in ESCAPED:
        assert key in refused(repo)
        return
    repo.pants("package", "src/a:image").assert_success()
    context = repo.dist("src.a/image")
    assert not re.search("^ *RUN touch", (context / "Dockerfile").read_text(), re.MULTILINE)
    # In an ini file, a line that is not indented would be a key of its own.
    assert "\n\tRUN touch /evil" in (context / "supervisord.conf").read_text()
