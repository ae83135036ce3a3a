"""Base images as OCI layouts, made by hand: too small to run, and as hostile as a test wants."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def member(name: str, link: str = "", kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.linkname = link
    info.type = kind
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, target, tarfile.SYMTYPE)


def python_layer(version: str = "3.11") -> List[tarfile.TarInfo]:
    return [
        member(f"usr/bin/python{version}"),
        link("usr/bin/python3", f"python{version}"),
        member(f"usr/lib/python{version}/os.py"),
    ]


def layer(members: Sequence[tarfile.TarInfo]) -> bytes:
    """An uncompressed tar; names go into it as they are."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(b"\0" * info.size))
    return data.getvalue()


@dataclass
class BaseImage:
    """An image layout in `folder`, to be changed before or after `write`."""

    folder: Path
    layers: List[bytes] = field(default_factory=lambda: [layer(python_layer())])
    architecture: str = "amd64"
    config: Dict[str, Any] = field(
        default_factory=lambda: {"Env": ["PATH=/usr/local/bin:/usr/bin", "BASE=yes"]}
    )
    manifests: List[Dict[str, Any]] = field(default_factory=list)

    def blob(self, content: bytes, media_type: str) -> Dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / "blobs/sha256" / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add(self, architecture: Optional[str] = None) -> Dict[str, Any]:
        """One image more in the layout: its descriptor."""
        architecture = architecture or self.architecture
        config = {
            "os": "linux",
            "architecture": architecture,
            "config": self.config,
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(raw).hexdigest()}" for raw in self.layers],
            },
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.blob(
                json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"
            ),
            "layers": [
                self.blob(
                    gzip.compress(raw, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip"
                )
                for raw in self.layers
            ],
        }
        descriptor = self.blob(json.dumps(manifest).encode(), MANIFEST)
        descriptor["platform"] = {"os": "linux", "architecture": architecture}
        self.manifests.append(descriptor)
        return descriptor

    def write(self) -> "BaseImage":
        if not self.manifests:
            self.add()
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests}
        (self.folder / "index.json").write_text(json.dumps(index))
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        return self

    @property
    def blobs(self) -> List[Path]:
        return sorted((self.folder / "blobs/sha256").iterdir())
