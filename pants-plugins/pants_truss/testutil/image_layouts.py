"""Images made by hand, and the entries of their layers."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any, Dict, Mapping, Sequence, Tuple

from pants_truss.core.oci.documents import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE


def unpacked(layer: bytes) -> Dict[str, Tuple[str, bytes]]:
    """Returns kind and content of each entry of a layer: `d`, `f`, or `x` for an executable."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            kind = "d" if member.isdir() else "x" if member.mode & 0o100 else "f"
            found[member.name] = (kind, file.read() if file else b"")
    return found


def member(name: str, target: str = "") -> tarfile.TarInfo:
    """Adds a file or a link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.REGTYPE, "")
    return info


PYTHON_LAYER = (
    member("usr/bin/python3.11"),
    member("usr/bin/python3", "python3.11"),
    member("usr/lib/python3.11/os.py"),
)


class Layout:
    """An image layout, by the paths of its files. Without `write` it has no index."""

    def __init__(self) -> None:
        self.files: Dict[str, bytes] = {}

    def blob(self, content: bytes, media_type: str) -> Dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def document(self, data: Mapping[str, Any], media_type: str) -> Dict[str, Any]:
        return self.blob(json.dumps(data).encode(), media_type)

    def image(
        self,
        *layers: Sequence[tarfile.TarInfo],
        architecture: str = "amd64",
        run: Any = None,
        **changed: Any,
    ) -> Dict[str, Any]:
        """Returns the descriptor of a manifest. `changed` are keys of the config."""
        packed, diff_ids = [], []
        for members in layers or (PYTHON_LAYER,):
            raw = io.BytesIO()
            with tarfile.open(fileobj=raw, mode="w") as tar:
                for info in members:
                    tar.addfile(info)
            diff_ids.append(f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}")
            packed.append(self.blob(gzip.compress(raw.getvalue(), mtime=0), f"{LAYER_TYPE}+gzip"))
        config = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Env": ["PATH=/usr/bin"]} if run is None else run,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            **changed,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": self.document(config, CONFIG_TYPE),
            "layers": packed,
        }
        platform = {"os": "linux", "architecture": architecture}
        return {**self.document(manifest, MANIFEST_TYPE), "platform": platform}

    def index(self, *entries: Mapping[str, Any]) -> Dict[str, Any]:
        """Returns the descriptor of an index that is itself a blob."""
        return self.document({"schemaVersion": 2, "manifests": entries}, INDEX_TYPE)

    def write(self, *entries: Mapping[str, Any]) -> Layout:
        self.files["index.json"] = json.dumps({"manifests": entries}).encode()
        self.files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
        return self

    def at(self, folder: str) -> Mapping[str, Any]:
        return {f"{folder}/{path}": content for path, content in self.files.items()}
