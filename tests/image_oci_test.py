"""`truss_image(builder="oci")`, without any engine: what is in the layers, and what changes with
what."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import tarfile
from pathlib import Path
from typing import Iterator

import jsonschema  # type: ignore[import]
import pytest

from support.base_image import BaseImage, layer, member, python_layer
from support.image_layout import Layout
from support.images import CONFIG, LAYERS, MODEL, changed, image, make, package, refused, restore
from support.monorepo import Monorepo


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monorepo]:
    base = tmp_path_factory.mktemp("images")
    made = make(base / "repo", base / "machine")
    made.commit()
    yield made
    made.stop_daemon()


@pytest.fixture(autouse=True)
def restored(repo: Monorepo) -> Iterator[None]:
    """Each test begins with the same repository, and the caches of those before it."""
    yield
    restore(repo)


def test_layers_and_config(repo: Monorepo) -> None:
    made = package(repo)
    assert [each.name for each in made.layers] == LAYERS
    assert made.layer("data").names == ["app", "app/data", "app/data/words.txt"]
    assert made.layer("src/shared/one").names == ["packages", "packages/one.py"]
    assert made.layer("src/lib").names == [
        "packages",
        "packages/common",
        "packages/common/__init__.py",
        "packages/common/text.py",
    ]
    assert made.layer("model").names == [
        "app",
        "app/config.yaml",
        "app/model",
        "app/model/model.py",
        "packages",
        "packages/own.py",
    ]
    assert b"external_package_dirs: []" in made.layer("model").read("app/config.yaml")
    assert "usr/local/bin/uvicorn" in made.layer("requirements of the Truss server").names
    config = made.config["config"]
    assert config["Entrypoint"] == ["python3", "/app/main.py"]
    assert (config["WorkingDir"], config["User"]) == ("/app", "root")
    assert "BASE=yes" in config["Env"] and "INFERENCE_SERVER_PORT=8080" in config["Env"]
    assert "PATH=/usr/local/bin:/usr/bin:/root/.local/bin" in config["Env"]
    assert made.config["created"] == "1970-01-01T00:00:00Z"
    digest = made.manifest["annotations"]["com.baseten.truss.tree-digest"]
    assert list(made.manifest["annotations"]) == ["com.baseten.truss.tree-digest"]
    repo.pants("package", "src/a:a").assert_success()
    manifest = json.loads(repo.dist("src.a/a.truss-manifest.json").read_text())
    assert digest == manifest["tree_digest"]


def test_entries_have_nothing_of_this_machine(repo: Monorepo) -> None:
    for each in package(repo).layers:
        for entry in each.tar.getmembers():
            assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")
            assert entry.mtime == 0
            assert entry.mode == 0o755 if entry.isdir() else entry.mode in (0o644, 0o755)
        names = each.names
        assert names == sorted(names, key=os.fsencode)
        # No file name and no time in the header of gzip.
        assert each.content[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


def test_base_layers_are_passed_on(repo: Monorepo) -> None:
    base = Layout(repo.root / "images/base")
    made = package(repo)
    count = len(base.manifest["layers"])
    assert made.manifest["layers"][:count] == base.manifest["layers"]
    assert made.config["rootfs"]["diff_ids"][:count] == base.config["rootfs"]["diff_ids"]
    assert len(made.config["rootfs"]["diff_ids"]) == len(made.manifest["layers"])


def test_a_comment_changes_one_layer(repo: Monorepo) -> None:
    before = package(repo)
    repo.write("src/a/model/model.py", MODEL + "# a comment\n")
    assert changed(before, package(repo)) == ["model"]


def test_shared_code_changes_its_layer_in_every_image(repo: Monorepo) -> None:
    before = [package(repo, truss) for truss in "ab"]
    shared = LAYERS[:3] + LAYERS[4:-1]
    for name in shared:
        assert before[0].digests[name] == before[1].digests[name]
    repo.write("src/shared/two/two.py", "NAME = 'edited'\n")
    after = [package(repo, truss) for truss in "ab"]
    assert [changed(b, a) for b, a in zip(before, after)] == [["src/shared/two"]] * 2
    assert after[0].digests["src/shared/two"] == after[1].digests["src/shared/two"]


def test_a_budget_of_layers(repo: Monorepo) -> None:
    made = package(repo, "a", "--truss-images-shared-layers=2")
    names = [each.name for each in made.layers]
    assert names[4:] == ["src/lib", "other shared packages", "model"]
    assert made.layer("other shared packages").names == [
        "packages",
        "packages/one.py",
        "packages/two.py",
    ]


def test_the_same_bytes_from_other_caches_and_surroundings(tmp_path: Path) -> None:
    first = make(tmp_path / "a", tmp_path / "machine-a", daemon=False)
    first.environment = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"}
    far = tmp_path / "a much longer path" / ("deep/" * 10) / "clone"
    second = make(far, tmp_path / "machine-b", daemon=False)
    second.environment = {
        "TZ": "Asia/Tokyo",
        "LC_ALL": "tr_TR.UTF-8",
        "PYTHONHASHSEED": "4242",
        # Fewer at a time come in another order.
        "PANTS_RULE_THREADS_CORE": "2",
        "PANTS_PROCESS_EXECUTION_LOCAL_PARALLELISM": "1",
    }
    shuffle(second.root)
    digests = []
    for repo, umask in ((first, 0o022), (second, 0o077)):
        repo.pants("package", "src/a:image", umask=umask).assert_success()
        digests.append(Layout(repo.dist("src.a/image")).digest)
    assert digests[0] == digests[1]
    boms = [r.dist("src.a/image.cdx.json").read_bytes() for r in (first, second)]
    assert boms[0] == boms[1]


def shuffle(root: Path) -> None:
    """The same files, written in another order, at other times, with other modes."""
    files = sorted((p for p in root.rglob("*") if p.is_file()), reverse=True)
    for number, file in enumerate(files):
        content = file.read_bytes()
        executable = file.stat().st_mode & stat.S_IXUSR
        file.unlink()
        file.write_bytes(content)
        file.chmod(0o700 if executable else 0o600)
        os.utime(file, (number * 1000, 1_000_000_000 + number * 1000))


def test_source_date_epoch(repo: Monorepo) -> None:
    repo.environment["SOURCE_DATE_EPOCH"] = "1700000000"
    made = package(repo)
    assert made.config["created"] == "2023-11-14T22:13:20Z"
    assert {entry.mtime for each in made.layers for entry in each.tar} == {1700000000}
    repo.environment["SOURCE_DATE_EPOCH"] = "yesterday"
    run = repo.pants("package", "src/a:image").assert_failure()
    assert "The environment variable SOURCE_DATE_EPOCH is 'yesterday'" in run.stderr


def test_compression(repo: Monorepo) -> None:
    plain = package(repo, "a", "--truss-images-compression=none")
    kinds = {entry["mediaType"] for entry in plain.manifest["layers"][1:]}
    assert kinds == {"application/vnd.oci.image.layer.v1.tar"}
    packed = package(repo, "a", "--truss-images-compression=zstd")
    kinds = {entry["mediaType"] for entry in packed.manifest["layers"][1:]}
    assert kinds == {"application/vnd.oci.image.layer.v1.tar+zstd"}
    assert packed.layers[-1].content[:4] == b"\x28\xb5\x2f\xfd"
    # What is in a layer does not depend on how it is packed.
    assert packed.config["rootfs"] == plain.config["rootfs"] == package(repo).config["rootfs"]


def test_several_platforms(repo: Monorepo) -> None:
    base = BaseImage(repo.root / "images/both")
    base.add("amd64")
    base.layers = [layer([*python_layer(), member("etc/arm")])]
    base.add("arm64")
    base.write()
    repo.write(
        "src/a/BUILD", image("a", base="images/both", platforms=["linux/amd64", "linux/arm64"])
    )
    repo.pants("package", "src/a:image").assert_success()
    folder = repo.dist("src.a/image")
    images = [Layout(folder, architecture) for architecture in ("amd64", "arm64")]
    assert [i.config["architecture"] for i in images] == ["amd64", "arm64"]
    # Code is the same everywhere; what is compiled is not.
    assert changed(*images) == ["requirements of the Truss server"]
    server = images[1].layer("requirements of the Truss server").names
    assert any(name.endswith("aarch64-linux-gnu.so") for name in server)
    assert not any("x86_64" in name for name in server)
    for architecture in ("amd64", "arm64"):
        assert repo.dist(f"src.a/image-{architecture}.cdx.json").exists()


def test_a_python_that_this_machine_need_not_have(repo: Monorepo) -> None:
    """Nor Pants' Pex be able to run: there is no lockfile of the server for it, either."""
    shutil.rmtree(repo.root / "images/base")
    BaseImage(repo.root / "images/base", layers=[layer(python_layer("3.13"))]).write()
    repo.write("src/a/config.yaml", CONFIG.replace("py311", "py313"))
    names = package(repo).layer("requirements of the Truss server").names
    assert any(name.endswith("cpython-313-x86_64-linux-gnu.so") for name in names)
    assert not any("cpython-311" in name for name in names)


def test_annotations_labels_and_revision(repo: Monorepo) -> None:
    repo.write("src/a/BUILD", image("a", annotations={"x.y": "z"}, image_labels={"team": "ml"}))
    made = package(repo, "a", "--truss-images-revision=abc")
    assert made.manifest["annotations"]["x.y"] == "z"
    assert made.manifest["annotations"]["org.opencontainers.image.revision"] == "abc"
    assert made.config["config"]["Labels"] == {"team": "ml"}


def test_an_archive(repo: Monorepo) -> None:
    repo.write("src/a/BUILD", image("a", docker_archive=True, image_tags=["1.0", "latest"]))
    made = package(repo)
    with tarfile.open(repo.dist("src.a/image.tar")) as tar:
        names = tar.getnames()
        file = tar.extractfile("manifest.json")
        assert file
        entry = json.load(file)[0]
    assert entry["RepoTags"] == ["image:1.0", "image:latest"]
    assert entry["Config"] == "blobs/sha256/" + made.manifest["config"]["digest"][7:]
    assert set(entry["Layers"]) < set(names)


def test_the_bill_of_materials_is_valid(repo: Monorepo) -> None:
    """By the schema that CycloneDX publishes."""
    package(repo)
    bom = json.loads(repo.dist("src.a/image.cdx.json").read_text())
    schema = json.loads(Path("tests/cyclonedx/bom-1.5.json").read_text())
    jsonschema.Draft7Validator(schema).validate(bom)
    named = {component["name"] for component in bom["components"]}
    assert {"uvicorn", "src/shared/one", "src/shared/two", "src/lib"} <= named
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({**bom, "components": [{"name": "x"}]})


def test_what_depends_on_what(repo: Monorepo) -> None:
    found = repo.pants("dependencies", "src/a:image").assert_success().stdout.split()
    assert found == ["src/a:a"]
    found = repo.pants("dependents", "--transitive", "src/shared/two/two.py").stdout.split()
    assert {"src/a:image", "src/b:image"} <= set(found)


def test_names_of_files(repo: Monorepo) -> None:
    repo.write("src/a/data/two\nlines.txt", "x")
    repo.write("src/a/data/Ärger.txt", "x")
    repo.write("src/a/data/" + "long" * 50 + ".txt", "x")
    repo.write("src/a/data/run.sh", "x", executable=True)
    data = package(repo).layer("data")
    modes = {entry.name: entry.mode for entry in data.tar if entry.isfile()}
    assert modes == {
        "app/data/two\nlines.txt": 0o644,
        "app/data/Ärger.txt": 0o644,
        "app/data/" + "long" * 50 + ".txt": 0o644,
        "app/data/run.sh": 0o755,
        "app/data/words.txt": 0o644,
    }


@pytest.mark.parametrize("target", ["../../../../outside/secret", "nowhere.txt"])
def test_a_link_out_of_the_tree(repo: Monorepo, target: str) -> None:
    outside = repo.root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "secret").write_text("do not tell")
    (repo.root / "src/a/data/link").symlink_to(target)
    error = refused(repo)
    assert "src/a/data/link" in error
    assert "do not tell" not in error


def test_a_link_inside_the_tree(repo: Monorepo) -> None:
    (repo.root / "src/a/data/link").symlink_to("../../shared/one/one.py")
    assert package(repo).layer("data").read("app/data/link") == b"NAME = 'one'\n"


def test_a_layer_of_more_than_two_gigabytes(repo: Monorepo) -> None:
    size = 2**31 + 5
    with open(repo.root / "src/a/data/weights.bin", "wb") as file:
        file.truncate(size)
    package_run = repo.pants("package", "src/a:image").assert_success()
    assert package_run
    made = Layout(repo.dist("src.a/image"))
    data = made.layer("data")
    with tarfile.open(fileobj=io.BytesIO(data.content), mode="r|gz") as tar:
        sizes = {entry.name: entry.size for entry in tar}
    assert sizes["app/data/weights.bin"] == size
