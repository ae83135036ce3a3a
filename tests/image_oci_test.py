"""`truss_image(builder="oci")`, without any engine: what is in the layers, and what changes with
what."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Iterator, List

import jsonschema  # type: ignore[import]
import pytest

from support import pants_release
from support.image_layout import Layout
from support.images import CONFIG, LAYERS, MODEL, changed, image, make, package, refused, restore
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
    assert "usr/bin/uvicorn" in made.layer("requirements of the Truss server").names
    config = made.config["config"]
    assert config["Entrypoint"] == ["python3", "/app/main.py"]
    assert (config["WorkingDir"], config["User"]) == ("/app", "root")
    assert "BASE=yes" in config["Env"] and "INFERENCE_SERVER_PORT=8080" in config["Env"]
    assert "PATH=/usr/local/bin:/usr/bin:/root/.local/bin" in config["Env"]
    assert made.config["created"] == "1970-01-01T00:00:00Z"
    digest = made.manifest["annotations"]["com.baseten.truss.tree-digest"]
    assert set(made.manifest["annotations"]) == {
        "com.baseten.truss.tree-digest",
        "org.opencontainers.image.base.digest",
    }
    repo.pants("package", "src/a:a").assert_success()
    manifest = json.loads(repo.dist("src.a/a.truss-manifest.json").read_text())
    assert digest == manifest["tree_digest"]


def test_the_format_of_the_truss_is_nothing_to_its_image(repo: Monorepo) -> None:
    assert package(repo, "a", "--truss-gather-output-format=tar").digest == package(repo).digest


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
    # The content of a layer does not depend on how it is packed.
    assert packed.config["rootfs"] == plain.config["rootfs"] == package(repo).config["rootfs"]


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
    assert bom["metadata"]["component"]["name"] == "src/a:image"
    assert {"images/base", "uvicorn", "src/shared/one", "src/shared/two", "src/lib"} <= named
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({**bom, "components": [{"name": "x"}]})


def test_tags(repo: Monorepo) -> None:
    repo.write("src/a/BUILD", image("a", image_tags=["1.0", "h-{pants.hash}"]))
    repo.pants("package", "src/a:image").assert_success()
    entries = json.loads(repo.dist("src.a/image/index.json").read_text())["manifests"]
    named = [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries]
    assert len({entry["digest"] for entry in entries}) == 1
    assert named == ["1.0", f"h-{entries[0]['digest'][7:]}"]
    repo.write("src/a/BUILD", image("a", image_tags=["{build_args.X}"]))
    error = repo.pants("package", "src/a:image").assert_failure().stderr
    assert "`image_tags` field" in error and "build_args" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--truss-images-compression-level=19"], "is 19, but gzip supports 1 to 9"),
        (["--truss-images-compression-level=0"], "is 0, but gzip supports 1 to 9"),
        (["--truss-images-shared-layers=0"], "`[truss-images].shared_layers` is 0"),
    ],
)
def test_bad_options(repo: Monorepo, options: List[str], message: str) -> None:
    assert message in refused(repo, *options)


def test_a_context_or_a_skipped_image_is_not_published(repo: Monorepo) -> None:
    context = image("a", builder="context", base=None)
    repo.write("src/a/BUILD", context)
    run = repo.pants("publish", "src/a:image").assert_success()
    assert "(no image, because of" in run.stderr
    repo.write("src/a/BUILD", image("a", skip_push=True))
    run = repo.pants("publish", "src/a:image").assert_success()
    assert "image:latest skipped (by `skip_push` on src/a:image)" in run.stderr


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


def test_pants_run_of_a_folder_takes_the_truss(repo: Monorepo) -> None:
    """The image beside it is not asked about; a context cannot be run at all."""
    repo.write("src/a/config.yaml", f"{CONFIG}docker_server: {{server_port: 80}}\n")
    error = repo.pants("run", "src/a").assert_failure().stderr
    assert "src/a:a" in error
    # From Pants 2.18 on it asks which (docs/serving.md).
    assert ("src/a:image" in error) == pants_release.is_at_least("2.18.0a0")
    repo.write("src/a/BUILD", image("a", builder="context", base=None))
    assert "No applicable" in repo.pants("run", "src/a:image").stderr
