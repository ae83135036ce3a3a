"""Reads a base image from an OCI layout. Its content is not trusted: the layout may be any folder
of the repository, or come from a registry."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from pants_truss.core.errors import TrussError
from pants_truss.core.oci.documents import (
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    REF_NAME,
    Descriptor,
    Platform,
)

# Docker's media types, which `skopeo copy --preserve-digests` keeps.
_DOCKER = "application/vnd.docker"
_INDEXES = (INDEX_TYPE, f"{_DOCKER}.distribution.manifest.list.v2+json")
_MANIFESTS = (MANIFEST_TYPE, f"{_DOCKER}.distribution.manifest.v2+json")
_CONFIGS = (CONFIG_TYPE, f"{_DOCKER}.container.image.v1+json")
_LAYERS = (
    LAYER_TYPE,
    f"{LAYER_TYPE}+gzip",
    f"{LAYER_TYPE}+zstd",
    f"{_DOCKER}.image.rootfs.diff.tar",
    f"{_DOCKER}.image.rootfs.diff.tar.gzip",
)
# These types have the same bytes; in an OCI manifest tools expect OCI's names.
_OCI_NAMES = {
    f"{_DOCKER}.image.rootfs.diff.tar": LAYER_TYPE,
    f"{_DOCKER}.image.rootfs.diff.tar.gzip": f"{LAYER_TYPE}+gzip",
}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

# The bytes of an index, a manifest or a config. They are a few kilobytes; registries refuse
# manifests of more than 4 MiB.
MAX_DOCUMENT = 4 * 1024 * 1024
# The number of indexes on the way to a manifest, `index.json` included.
MAX_INDEXES = 3
# The number of layers. Podman runs images of at most 500, Docker of fewer: its storage, `overlay2`,
# stacks no more folders.
MAX_LAYERS = 500
DOCKER_LAYERS = 127
# The number of images that a message lists.
_SHOWN = 10


@dataclass(frozen=True)
class Choice:
    """A manifest or an index in an index. `platforms` are all that the index offers."""

    descriptor: Descriptor
    platforms: Tuple[str, ...]

    @property
    def is_index(self) -> bool:
        return self.descriptor.media_type in _INDEXES


@dataclass(frozen=True)
class Manifest:
    """`as_json` holds all properties of the layers, with OCI's names of their types."""

    config: Descriptor
    layers: Tuple[Descriptor, ...]
    as_json: Tuple[Mapping[str, Any], ...]


def document(content: bytes, what: str) -> Dict[str, Any]:
    try:
        data = json.loads(content, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as e:
        raise TrussError(f"{what} is not JSON: {e}") from None
    if not isinstance(data, dict):
        raise TrussError(f"{what} is not a JSON object.")
    return data


def _finite(text: str) -> float:
    """Python also reads `NaN` and `Infinity`, and `1e400` as the latter, and would write them into
    the documents of the image, where they are no JSON."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a number")
    return value


def check_document_size(size: int, name: str, what: str) -> None:
    """`name` is the path in the layout, or the digest."""
    if size > MAX_DOCUMENT:
        raise TrussError(
            f"{what}: {name} has {size} bytes, which is too large for an index, a manifest or a "
            f"config: the limit is {MAX_DOCUMENT}."
        )


def choose(
    index: Mapping[str, Any], platform: Platform, what: str, *, is_layout: bool = False
) -> Choice:
    """Returns the entry of an index for a platform, or the only entry if it names no platform.

    `is_layout` is True for the index of a layout, whose entries are images of their own. By the OCI
    specification, the first fitting entry of another index is the image.
    """
    entries = _objects(index, "manifests", what)
    # A layout has an entry for each tag of an image.
    known = _without_repeats(e for e in entries if e.get("mediaType") in (*_INDEXES, *_MANIFESTS))
    if not known:
        raise TrussError(f"{what} lists no image.")
    offered = [_platform(entry) for entry in known]
    names = tuple(str(found) for found in offered if found)
    fitting = [e for e, found in zip(known, offered) if found and _fits(found, platform)]
    # An index inside an index has no platform.
    unnamed = [e for e, found in zip(known, offered) if not found]
    if len(known) == 1 and unnamed:
        fitting = unnamed
    if not fitting:
        several = f"several images that name no platform: {_listed(known, what)}"
        raise TrussError(
            f"{what} has no image for {platform}: it has {', '.join(names) or several}."
        )
    fitting = [e for e in fitting if _is_exactly(_platform(e), platform)] or fitting
    if is_layout and len(fitting) > 1:
        raise TrussError(
            f"{what} has several images for {platform}: {_listed(fitting, what)}. Copy one of them "
            f"into a layout of its own: `skopeo copy oci:FOLDER:TAG oci:NEW_FOLDER:base`."
        )
    return Choice(_descriptor(fitting[0], what), names)


def _without_repeats(entries: Iterable[Dict[str, Any]]) -> List[Dict[str, Any]]:
    found: Dict[str, Dict[str, Any]] = {}
    for entry in entries:
        found.setdefault(f"{entry.get('digest')} {_platform(entry)}", entry)
    return list(found.values())


def _listed(entries: Sequence[Mapping[str, Any]], what: str) -> str:
    shown = []
    for entry in entries[:_SHOWN]:
        annotations = entry.get("annotations")
        tag = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
        shown.append(_descriptor(entry, what).digest + (f" ({_show(tag)})" if tag else ""))
    more = f" and {len(entries) - _SHOWN} more" if len(entries) > _SHOWN else ""
    return f"{', '.join(shown)}{more}"


def manifest(data: Mapping[str, Any], what: str) -> Manifest:
    if not isinstance(data.get("config"), dict):
        raise TrussError(f"{what} has no `config`.")
    config = _descriptor(data["config"], what)
    if config.media_type not in _CONFIGS:
        raise TrussError(f"{what} does not describe an image: its config is {config.media_type!r}.")
    layers = _objects(data, "layers", what)
    if len(layers) > MAX_LAYERS:
        raise TrussError(f"{what} has {len(layers)} layers; the limit is {MAX_LAYERS}.")
    descriptors = tuple(_descriptor(layer, what) for layer in layers)
    for descriptor in descriptors:
        if descriptor.media_type not in _LAYERS:
            raise TrussError(
                f"{what} has a layer of the unsupported type {descriptor.media_type!r}. Supported "
                f"types: {', '.join(_LAYERS)}."
            )
    renamed = ({**x, "mediaType": _OCI_NAMES.get(x["mediaType"], x["mediaType"])} for x in layers)
    return Manifest(config, descriptors, tuple(renamed))


def check_config(config: Mapping[str, Any], layers: int, platform: Platform, what: str) -> None:
    """Raises `TrussError` if the config does not match its manifest or the platform."""
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or not all(
        isinstance(d, str) and _DIGEST.fullmatch(d) for d in diff_ids
    ):
        raise TrussError(f"{what} has no valid `rootfs.diff_ids`.")
    if len(diff_ids) != layers:
        raise TrussError(f"{what} lists {len(diff_ids)} layers, but its manifest lists {layers}.")
    found = _of(config)
    if not _fits(found, platform):
        raise TrussError(f"{what} is for {found}, not for {platform}.")
    run = config.get("config")
    for key, value, kind in (
        ("config", run, dict),
        ("history", config.get("history"), list),
        ("config.Env", _entry(run, "Env"), list),
        ("config.Labels", _entry(run, "Labels"), dict),
    ):
        if value is not None and not isinstance(value, kind):
            raise TrussError(f"{what}: `{key}` in its config is {_show(value)}.")
    triggers = _entry(run, "OnBuild")
    if triggers:
        raise TrussError(
            f"{what} has ONBUILD commands ({_show(triggers)}), which only `docker build` runs. Use "
            f"a base without them."
        )


def _entry(run: Any, key: str) -> Any:
    return run.get(key) if isinstance(run, dict) else None


def _show(value: Any) -> str:
    return _short(json.dumps(value))


def _short(text: str) -> str:
    return text if len(text) < 60 else f"{text[:60]}..."


def environment(config: Mapping[str, Any]) -> Dict[str, str]:
    entries = (config.get("config") or {}).get("Env") or []
    return {
        name: value for name, _, value in (str(entry).partition("=") for entry in entries) if name
    }


def check_blob(descriptor: Descriptor, found: str, size: int, what: str) -> None:
    """`found` is the sha256, in hex, of the content at the path of the blob."""
    if descriptor.hex != found:
        raise TrussError(
            f"{what}: the content of blobs/sha256/{descriptor.hex} has the digest sha256:{found}. "
            f"The layout is corrupt: fetch it again."
        )
    if descriptor.size != size:
        raise TrussError(
            f"{what}: the blob {descriptor.digest} has {size} bytes, but the image declares "
            f"{descriptor.size}. The layout is corrupt: fetch it again."
        )


def _descriptor(data: Mapping[str, Any], what: str) -> Descriptor:
    media_type, digest, size = data.get("mediaType"), data.get("digest"), data.get("size")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        # The digest becomes a path.
        raise TrussError(f"{what} refers to a blob by {digest!r}, which is not a sha256 digest.")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise TrussError(f"{what} declares the invalid size {_short(repr(size))} for {digest}.")
    return Descriptor(str(media_type), digest, size)


def _objects(data: Mapping[str, Any], key: str, what: str) -> List[Dict[str, Any]]:
    value = data.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TrussError(f"{what} has no list `{key}`.")
    return value


def _platform(entry: Mapping[str, Any]) -> Any:
    value = entry.get("platform")
    return _of(value) if isinstance(value, dict) and value.get("os") else None


def _of(data: Mapping[str, Any]) -> Platform:
    return Platform(
        str(data.get("os", "")), str(data.get("architecture", "")), str(data.get("variant") or "")
    )


def _fits(offered: Platform, wanted: Platform) -> bool:
    if (offered.os, offered.architecture) != (wanted.os, wanted.architecture):
        return False
    # Most images name no variant.
    return not wanted.variant or not offered.variant or offered.variant == wanted.variant


def _is_exactly(offered: Any, wanted: Platform) -> bool:
    """Returns True if the variants are equal. `amd64` also fits `amd64/v3`, which runs on few
    machines; `arm64` and `arm64/v8` are the same."""
    defaults = ("", "v8") if wanted.architecture == "arm64" else ("",)
    if not offered or wanted.variant in defaults:
        return not offered or offered.variant in defaults
    return bool(offered.variant == wanted.variant)
