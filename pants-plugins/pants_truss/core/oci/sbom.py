"""The software bill of materials of an image: its base, by name, and the content added to it.

Source: the CycloneDX specification, version 1.5, as JSON. The document holds no time, and its
serial number is derived from the image, so the same image gives the same document.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple
from urllib.parse import quote

from packaging.utils import canonicalize_name

from pants_truss.core.environment import Distribution
from pants_truss.core.gathered import GatheredFile, digest_of
from pants_truss.core.oci.layer_plan import shared_root
from pants_truss.core.requirement import applies, marker_environments, parse_metadata

FILE_SUFFIX = ".cdx.json"
_TREE_DIGEST = "truss:tree-digest"
# The namespace keeps serial numbers that are made here apart from all others.
_NAMESPACE = uuid.UUID("6f5ad4d5-0d4b-5c0a-9d4f-0a8c2b6d1f37")


@dataclass(frozen=True)
class ImageMaterials:
    """`base` is (name, digest) of the base image. `files` maps paths in the layout of
    `core.server_layout` to the files of the truss."""

    address: str
    image_digest: str
    base: Tuple[str, str]
    tree_digest: str
    python: str
    files: Mapping[str, GatheredFile]
    distributions: Sequence[Distribution]


def sbom(image: ImageMaterials) -> Dict[str, Any]:
    third_party = sorted(image.distributions, key=lambda d: canonicalize_name(d.name))
    first_party = _first_party(image.files)
    root = f"image:{image.address}"
    name, digest = image.base
    components: List[Dict[str, Any]] = [
        {"type": "container", "bom-ref": f"base:{digest}", "name": name, "version": digest}
    ]
    components += [_distribution(found) for found in third_party]
    components += [
        {
            "type": "library",
            "bom-ref": f"source:{folder}",
            "name": folder,
            "properties": [{"name": _TREE_DIGEST, "value": digest}],
        }
        for folder, digest in first_party.items()
    ]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, image.image_digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": root,
                "name": image.address,
                "version": image.image_digest,
                "properties": [{"name": _TREE_DIGEST, "value": image.tree_digest}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [component["bom-ref"] for component in components]},
            *_requires(third_party, image.python),
        ],
    }


def _distribution(found: Distribution) -> Dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": _ref(found),
        "name": found.name,
        "version": found.version,
        "purl": _ref(found),
    }


def _ref(found: Distribution) -> str:
    # Local versions (`2.1+cpu`) and epochs (`1!2.0`) have characters with a meaning in URLs.
    return f"pkg:pypi/{canonicalize_name(found.name)}@{quote(found.version, safe='')}"


def _requires(distributions: Iterable[Distribution], python: str) -> List[Dict[str, Any]]:
    known = {canonicalize_name(found.name): found for found in distributions}
    environments = marker_environments(python)
    lines = []
    for found in known.values():
        wanted = {
            canonicalize_name(requirement.name)
            for requirement in parse_metadata(found.requires)
            if applies(requirement, (), environments)
        }
        there = sorted(_ref(known[name]) for name in wanted if name in known)
        lines.append({"ref": _ref(found), "dependsOn": there})
    return lines


def _first_party(files: Mapping[str, GatheredFile]) -> Dict[str, str]:
    """Returns folder of the repository -> tree digest of its files in the image."""
    folders: Dict[str, List[GatheredFile]] = {}
    for path, file in files.items():
        folder = shared_root(path, file)
        if folder is not None:
            folders.setdefault(folder, []).append(file)
    return {folder: digest_of(folders[folder]) for folder in sorted(folders)}
