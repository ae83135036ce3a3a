"""Reads what `pants package` makes of a `truss_image(builder="oci")`."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple


@dataclass(frozen=True)
class Layer:
    """`name` is what its entry in the history says."""

    name: str
    digest: str
    content: bytes

    @property
    def tar(self) -> tarfile.TarFile:
        raw = gzip.decompress(self.content) if self.content[:2] == b"\x1f\x8b" else self.content
        return tarfile.open(fileobj=io.BytesIO(raw))

    @property
    def names(self) -> List[str]:
        return self.tar.getnames()

    def read(self, path: str) -> bytes:
        file = self.tar.extractfile(path)
        assert file
        return file.read()


class Layout:
    """An image in an image layout; every digest is checked as it is read."""

    def __init__(self, folder: Path, architecture: Optional[str] = None) -> None:
        self.folder = folder
        self.index = json.loads((folder / "index.json").read_bytes())
        assert len({entry["digest"] for entry in self.index["manifests"]}) == 1
        self.top: Dict[str, Any] = self.index["manifests"][0]
        document = self.document(self.top)
        if "manifests" in document:
            self.index = document
            entry = next(
                e
                for e in document["manifests"]
                if architecture in (None, e["platform"]["architecture"])
            )
            document = self.document(entry)
        self.manifest = document
        self.config = self.document(self.manifest["config"])
        # Now, as the next run replaces the folder.
        self.layers = self._layers()

    @property
    def digest(self) -> str:
        return str(self.top["digest"])

    def blob(self, descriptor: Dict[str, Any]) -> bytes:
        algorithm, _, value = descriptor["digest"].partition(":")
        content = (self.folder / "blobs" / algorithm / value).read_bytes()
        assert hashlib.sha256(content).hexdigest() == value
        assert len(content) == descriptor["size"]
        return content

    def document(self, descriptor: Dict[str, Any]) -> Dict[str, Any]:
        data: Dict[str, Any] = json.loads(self.blob(descriptor))
        return data

    def _layers(self) -> Tuple[Layer, ...]:
        """Those that lie on the base, lowest first."""
        history = self.config.get("history", [])
        names = [entry["created_by"] for entry in history if "created_by" in entry]
        described = self.manifest["layers"][len(self.manifest["layers"]) - len(names) :]
        return tuple(Layer(n, d["digest"], self.blob(d)) for n, d in zip(names, described))

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    @property
    def digests(self) -> Dict[str, str]:
        return {layer.name: layer.digest for layer in self.layers}
