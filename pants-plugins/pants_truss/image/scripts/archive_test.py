from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from pants_truss.image.scripts import archive

SCRIPT = Path(__file__).resolve().parent / "archive.py"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def put(layout: Path, content: bytes) -> Dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    path = layout / "blobs/sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def make_layout(folder: Path, *layers: bytes) -> Tuple[Path, str, Dict[str, Any]]:
    """Returns the folder, the digest of the image, and its manifest."""
    layout = folder / "layout"
    manifest = {
        "mediaType": MANIFEST,
        "config": put(layout, b'{"config": 1}'),
        "layers": [put(layout, layer) for layer in layers],
    }
    put(layout, b"a blob of another image")
    return layout, put(layout, json.dumps(manifest).encode())["digest"], manifest


def write(layout: Path, digest: str, names: List[str], mtime: int = 0) -> bytes:
    out = io.BytesIO()
    archive.write_archive(str(layout), digest, names, mtime, out)
    return out.getvalue()


def members(content: bytes) -> Dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]


def path(described: Dict[str, Any]) -> str:
    return "blobs/sha256/" + str(described["digest"])[7:]


def test_an_archive_is_a_layout_and_an_archive_of_docker(tmp_path: Path) -> None:
    layout, digest, manifest = make_layout(tmp_path, b"upper", b"lower")
    found = members(write(layout, digest, ["a:latest", "r.io/b@1"]))
    size = len((layout / "blobs/sha256" / digest[7:]).read_bytes())
    entry: Dict[str, Any] = {"mediaType": MANIFEST, "digest": digest, "size": size}
    ref = "org.opencontainers.image.ref.name"
    assert json.loads(found.pop("index.json")) == {
        "schemaVersion": 2,
        "manifests": [
            {**entry, "annotations": {ref: "a:latest"}},
            {**entry, "annotations": {ref: "r.io/b@1"}},
        ],
    }
    upper, lower = manifest["layers"]
    assert json.loads(found.pop("manifest.json")) == [
        {
            "Config": path(manifest["config"]),
            "RepoTags": ["a:latest", "r.io/b@1"],
            # Not sorted: layers are applied in this order.
            "Layers": [path(upper), path(lower)],
        }
    ]
    assert found.pop("oci-layout") == b'{"imageLayoutVersion":"1.0.0"}'
    assert found == {
        path(manifest["config"]): b'{"config": 1}',
        path(upper): b"upper",
        path(lower): b"lower",
        f"blobs/sha256/{digest[7:]}": json.dumps(manifest).encode(),
    }


def test_an_image_without_a_name(tmp_path: Path) -> None:
    layout, digest, _ = make_layout(tmp_path)
    found = members(write(layout, digest, []))
    (entry,) = json.loads(found["index.json"])["manifests"]
    assert (entry["digest"], "annotations" in entry) == (digest, False)
    (for_docker,) = json.loads(found["manifest.json"])
    assert (for_docker["RepoTags"], for_docker["Layers"]) == (None, [])


def test_a_repeated_layer_is_written_once(tmp_path: Path) -> None:
    layout, digest, manifest = make_layout(tmp_path, b"same", b"other", b"same")
    with tarfile.open(fileobj=io.BytesIO(write(layout, digest, ["a:b"]))) as tar:
        names = tar.getnames()
    blobs = {path({"digest": digest}), *map(path, [manifest["config"], *manifest["layers"]])}
    assert names == [*sorted(blobs), "index.json", "manifest.json", "oci-layout"]
    (for_docker,) = json.loads(members(write(layout, digest, []))["manifest.json"])
    assert for_docker["Layers"] == [path(layer) for layer in manifest["layers"]]


def test_entries_have_nothing_of_this_machine(tmp_path: Path) -> None:
    layout, digest, _ = make_layout(tmp_path, b"x" * 100_000)
    for blob in (layout / "blobs/sha256").iterdir():
        blob.chmod(0o700)
    content = write(layout, digest, ["a:b"], mtime=86400)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert {(m.mode, m.mtime, m.uid, m.gid, m.uname, m.type) for m in tar} == {
            (0o644, 86400, 0, 0, "", b"0")
        }
    assert write(make_layout(tmp_path / "again", b"x" * 100_000)[0], digest, ["a:b"], 86400) == (
        content
    )


def test_names_become_ascii(tmp_path: Path) -> None:
    layout, digest, _ = make_layout(tmp_path)
    found = members(write(layout, digest, ["ä"]))
    assert b'"RepoTags":["\\u00e4"]' in found["manifest.json"]


def run(folder: Path, **spec: Any) -> Any:
    (folder / "archive.json").write_text(json.dumps(spec))
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "archive.json"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_the_command_line(tmp_path: Path) -> None:
    layout, digest, _ = make_layout(tmp_path, b"layer")
    process = run(
        tmp_path, layout="layout", manifest=digest, names=["a:b"], mtime=7, out="image.tar"
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")
    assert (tmp_path / "image.tar").read_bytes() == write(layout, digest, ["a:b"], 7)


def test_a_missing_blob(tmp_path: Path) -> None:
    layout, digest, manifest = make_layout(tmp_path, b"layer")
    (layout / path(manifest["layers"][0])).unlink()
    with pytest.raises(FileNotFoundError):
        write(layout, digest, ["a:b"])
