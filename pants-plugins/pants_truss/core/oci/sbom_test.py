from __future__ import annotations

from dataclasses import replace

from pants_truss.core.environment import Distribution
from pants_truss.core.gathered import GatheredFile, digest_of
from pants_truss.core.oci.sbom import ImageMaterials, sbom
from pants_truss.core.source_tree import EXTERNAL_PACKAGE, TRUSS

SHARED = GatheredFile("packages/a.py", "0" * 64, 1, False, "s:s", "s/a.py", EXTERNAL_PACKAGE)
OWN = GatheredFile("model/model.py", "1" * 64, 1, False, "t:t", "t/model/model.py", TRUSS)
IMAGE = ImageMaterials(
    address="t:t",
    image_digest="sha256:" + "2" * 64,
    base=("python:3.11", "sha256:" + "5" * 64),
    tree_digest="sha256:" + "3" * 64,
    python="3.11",
    files={"packages/a.py": SHARED, "app/model/model.py": OWN},
    distributions=[
        Distribution("Uvicorn", "0.39.0", ("click>=7", "h11; extra == 'fast'", "gone")),
        Distribution("torch", "2.1+cpu"),
        Distribution("click", "8.1.8", ("colorama; platform_system == 'Windows'",)),
    ],
)


def test_what_is_in_it() -> None:
    made = sbom(IMAGE)
    assert [c["bom-ref"] for c in made["components"]] == [
        "base:sha256:" + "5" * 64,
        "pkg:pypi/click@8.1.8",
        "pkg:pypi/torch@2.1%2Bcpu",
        "pkg:pypi/uvicorn@0.39.0",
        "source:s",
    ]
    assert made["components"][-1]["properties"][0]["value"] == digest_of([SHARED])
    requires = {line["ref"]: line["dependsOn"] for line in made["dependencies"]}
    assert requires["pkg:pypi/uvicorn@0.39.0"] == ["pkg:pypi/click@8.1.8"]
    assert requires["pkg:pypi/click@8.1.8"] == []
    assert len(requires["image:t:t"]) == 5


def test_its_serial_number_is_the_images() -> None:
    other = replace(IMAGE, image_digest="sha256:" + "4" * 64)
    assert sbom(IMAGE) == sbom(IMAGE)
    assert sbom(other)["serialNumber"] != sbom(IMAGE)["serialNumber"]
