"""Builds the JSON documents of an OCI image as reproducible bytes.

Source: the OCI image format specification, v1.1: image-layout, index, manifest, config,
descriptor. Documents are written with sorted keys and without spaces, in ASCII.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
LAYER_MEDIA_TYPES = {"none": LAYER_TYPE, "gzip": f"{LAYER_TYPE}+gzip", "zstd": f"{LAYER_TYPE}+zstd"}

INDEX_FILE = "index.json"
LAYOUT_FILE = "oci-layout"
LAYOUT = {"imageLayoutVersion": "1.0.0"}
REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Descriptor:
    """`digest` is `sha256:` and 64 hexadecimal digits, `size` in bytes."""

    media_type: str
    digest: str
    size: int

    @property
    def hex(self) -> str:
        return self.digest.partition(":")[2]

    @property
    def path(self) -> str:
        """The path in an image layout."""
        return blob_path(self.hex)

    def as_json(self) -> Dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class Platform:
    """A platform such as `linux/amd64` or `linux/arm64/v8`, in Go's terms."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def as_json(self) -> Dict[str, str]:
        found = {"os": self.os, "architecture": self.architecture, "variant": self.variant}
        return {key: value for key, value in found.items() if value}


@dataclass(frozen=True)
class ImageLayer:
    """`diff_id` is the digest of the uncompressed layer; `comment` describes its content."""

    descriptor: Descriptor
    diff_id: str
    comment: str


@dataclass(frozen=True)
class Blob:
    descriptor: Descriptor
    content: bytes


def blob_path(hexadecimal: str) -> str:
    return f"blobs/sha256/{hexadecimal}"


def to_json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def blob(media_type: str, data: Any) -> Blob:
    content = to_json(data)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Blob(Descriptor(media_type, digest, len(content)), content)


def timestamp(epoch: int) -> str:
    """Returns the time as RFC 3339, in UTC."""
    return datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def config_blob(
    base: Mapping[str, Any],
    platform: Platform,
    run: Mapping[str, Any],
    layers: Sequence[ImageLayer],
    epoch: int,
) -> Blob:
    """Returns the config of an image that puts `layers` on those of its base image.

    `base` is the config of the base image. `run` replaces entries of its execution parameters.
    """
    created = timestamp(epoch)
    history = [
        *(base.get("history") or []),
        *({"created": created, "created_by": layer.comment} for layer in layers),
    ]
    merged = {**(base.get("config") or {}), **run}
    return blob(
        CONFIG_TYPE,
        {
            # Keep what the base says about its operating system.
            **{key: base[key] for key in ("os.version", "os.features") if key in base},
            **platform.as_json(),
            "created": created,
            "config": {key: value for key, value in merged.items() if value not in ([], "", None)},
            "rootfs": {
                "type": "layers",
                "diff_ids": [*base["rootfs"]["diff_ids"], *(layer.diff_id for layer in layers)],
            },
            "history": history,
        },
    )


def manifest_blob(
    config: Descriptor,
    layers: Sequence[Mapping[str, Any]],
    annotations: Mapping[str, str],
) -> Blob:
    """`layers` are descriptors as JSON; those of base layers keep all their properties."""
    return blob(
        MANIFEST_TYPE,
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.as_json(),
            "layers": [dict(layer) for layer in layers],
            **({"annotations": dict(annotations)} if annotations else {}),
        },
    )


def index_blob(
    manifests: Sequence[Tuple[Descriptor, Platform]], annotations: Mapping[str, str]
) -> Blob:
    """Returns the index of an image for several platforms."""
    return blob(
        INDEX_TYPE,
        {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [
                {**descriptor.as_json(), "platform": platform.as_json()}
                for descriptor, platform in manifests
            ],
            **({"annotations": dict(annotations)} if annotations else {}),
        },
    )


def layout_files(
    top: Descriptor, platform: Optional[Platform], tags: Sequence[str]
) -> Dict[str, bytes]:
    """Returns the two files of an image layout that are not blobs. `top` is a manifest or an index;
    each of its tags refers to it."""
    entry = top.as_json()
    if platform:
        entry["platform"] = platform.as_json()
    entries = [{**entry, "annotations": {REF_NAME: tag}} for tag in dict.fromkeys(tags)]
    return {
        LAYOUT_FILE: to_json(LAYOUT),
        INDEX_FILE: to_json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}),
    }
