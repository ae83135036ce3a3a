"""Writes an image layout as one file for `docker load` and `podman load`.

    archive.py archive.json

The keys of archive.json: `layout`, the folder; `manifest`, the digest of the image in it; `names`,
such as `sentiment:latest`; `out`, the file to write; `mtime` in seconds. The file contains Docker's
own `manifest.json`, for Docker before 25, and a complete layout.
"""

import io
import json
import os
import sys
import tarfile
from typing import Any, BinaryIO, Dict, List

REF_NAME = "org.opencontainers.image.ref.name"


def blob_path(digest: str) -> str:
    return "blobs/sha256/" + digest.partition(":")[2]


def read_json(layout: str, path: str) -> Any:
    with open(os.path.join(layout, path), encoding="utf-8") as file:
        return json.load(file)


def to_json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode("ascii")


def documents(layout: str, digest: str, names: List[str]) -> Dict[str, bytes]:
    manifest = read_json(layout, blob_path(digest))
    size = os.path.getsize(os.path.join(layout, blob_path(digest)))
    entry = {"mediaType": manifest["mediaType"], "digest": digest, "size": size}
    tagged = [{**entry, "annotations": {REF_NAME: name}} for name in names] or [entry]
    index = {"schemaVersion": 2, "manifests": tagged}
    for_docker = {
        "Config": blob_path(manifest["config"]["digest"]),
        "RepoTags": names or None,
        "Layers": [blob_path(layer["digest"]) for layer in manifest["layers"]],
    }
    return {
        "index.json": to_json(index),
        "manifest.json": to_json([for_docker]),
        "oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
    }


def blobs(layout: str, digest: str) -> List[str]:
    manifest = read_json(layout, blob_path(digest))
    described = [manifest["config"], *manifest["layers"]]
    return sorted({blob_path(digest), *(blob_path(d["digest"]) for d in described)})


def entry(path: str, size: int, mtime: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.mtime, info.mode = size, mtime, 0o644
    return info


def write_archive(layout: str, digest: str, names: List[str], mtime: int, out: BinaryIO) -> None:
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for path in blobs(layout, digest):
            source = os.path.join(layout, path)
            with open(source, "rb") as file:
                tar.addfile(entry(path, os.path.getsize(source), mtime), file)
        for path, content in sorted(documents(layout, digest, names).items()):
            tar.addfile(entry(path, len(content), mtime), io.BytesIO(content))


def main(spec: Dict[str, Any]) -> None:
    with open(spec["out"], "wb") as out:
        write_archive(spec["layout"], spec["manifest"], spec["names"], spec["mtime"], out)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as spec_file:
        main(json.load(spec_file))
