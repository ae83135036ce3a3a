from __future__ import annotations

import json
import re
from dataclasses import replace
from random import Random
from typing import Any, Dict, List

from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pants_truss.core.environment import Distribution
from pants_truss.core.gathered import GatheredFile, digest_of
from pants_truss.core.oci.sbom import ImageMaterials, sbom
from pants_truss.core.source_tree import EXTERNAL_PACKAGE, GENERATED, TRUSS, imported_by

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


def test_components() -> None:
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


def test_the_serial_number_comes_from_the_image() -> None:
    other = replace(IMAGE, image_digest="sha256:" + "4" * 64)
    assert sbom(IMAGE) == sbom(IMAGE)
    assert sbom(other)["serialNumber"] != sbom(IMAGE)["serialNumber"]
    assert re.fullmatch(
        r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        sbom(IMAGE)["serialNumber"],
    )


def test_metadata_describes_the_image() -> None:
    made = sbom(IMAGE)
    assert made["metadata"] == {
        "component": {
            "type": "container",
            "bom-ref": "image:t:t",
            "name": "t:t",
            "version": "sha256:" + "2" * 64,
            "properties": [{"name": "truss:tree-digest", "value": "sha256:" + "3" * 64}],
        }
    }
    base = made["components"][0]
    assert (base["type"], base["name"]) == ("container", "python:3.11")
    assert base["version"] == "sha256:" + "5" * 64


def test_a_distribution_keeps_its_name_and_has_a_canonical_address() -> None:
    image = replace(IMAGE, distributions=[Distribution("My_Lib.x", "1.0.post1")], files={})
    assert sbom(image)["components"][1:] == [
        {
            "type": "library",
            "bom-ref": "pkg:pypi/my-lib-x@1.0.post1",
            "name": "My_Lib.x",
            "version": "1.0.post1",
            "purl": "pkg:pypi/my-lib-x@1.0.post1",
        }
    ]


def requires(distributions: List[Distribution], python: str = "3.11") -> Dict[str, List[str]]:
    image = replace(IMAGE, distributions=distributions, python=python, files={})
    lines = sbom(image)["dependencies"][1:]
    return {line["ref"]: line["dependsOn"] for line in lines}


def test_requirements_depend_on_the_python_of_the_image() -> None:
    found = [
        Distribution("a", "1", ("B-b>=9; python_version < '3.11'", "b_b", "C; os_name == 'posix'")),
        Distribution("b.b", "2"),
        Distribution("c", "3"),
        Distribution("d", "4", ("b-b; python_version < '3.11'", "a[x]")),
    ]
    assert requires(found, "3.11") == {
        "pkg:pypi/a@1": ["pkg:pypi/b-b@2", "pkg:pypi/c@3"],
        "pkg:pypi/b-b@2": [],
        "pkg:pypi/c@3": [],
        "pkg:pypi/d@4": ["pkg:pypi/a@1"],
    }
    assert requires(found, "3.10")["pkg:pypi/d@4"] == ["pkg:pypi/a@1", "pkg:pypi/b-b@2"]


def test_each_folder_of_shared_code_has_the_digest_of_its_own_files() -> None:
    def shared(path: str, source: str, reason: str, digit: str = "7") -> GatheredFile:
        return GatheredFile(path, digit * 64, 1, False, None, source, reason)

    kit = shared("packages/kit/a.py", "src/kit/a.py", imported_by("model/model.py"))
    more = shared("packages/kit/b.py", "src/kit/b.py", EXTERNAL_PACKAGE)
    lib = shared("packages/c.py", "lib/c.py", EXTERNAL_PACKAGE)
    made_up = shared("packages/kit/__init__.py", "src/kit/x", GENERATED)
    own = shared("packages/own.py", "t/packages/own.py", TRUSS)
    files = {file.path: file for file in (more, kit, lib, made_up, own)}
    folders = {
        component["name"]: component["properties"]
        for component in sbom(replace(IMAGE, files=files, distributions=[]))["components"][1:]
    }
    assert list(folders) == ["lib", "src"]
    assert folders["src"] == [{"name": "truss:tree-digest", "value": digest_of([kit, more])}]
    changed = replace(IMAGE, files={**files, lib.path: shared(lib.path, "lib/c.py", TRUSS, "8")})
    assert [c["name"] for c in sbom(changed)["components"] if "source:" in c["bom-ref"]] == ["src"]


NAMES = st.sampled_from(["a", "B_b", "c.c", "D", "e"])
DISTRIBUTIONS = st.lists(
    st.builds(
        Distribution,
        NAMES,
        st.sampled_from(["1", "2.0+cpu", "3rc1"]),
        st.lists(NAMES, max_size=3).map(tuple),
    ),
    unique_by=lambda distribution: distribution.name,
)


@given(DISTRIBUTIONS, st.randoms())
def test_each_reference_has_one_component_in_any_order(
    distributions: List[Distribution], random: Random
) -> None:
    made: Dict[str, Any] = sbom(replace(IMAGE, distributions=distributions))
    refs = [component["bom-ref"] for component in made["components"]]
    assert len(set(refs)) == len(refs)
    assert all(re.fullmatch(r"[\w:/@.%-]+", ref) for ref in refs)
    assert made["dependencies"][0] == {"ref": "image:t:t", "dependsOn": refs}
    lines = made["dependencies"][1:]
    assert {line["ref"] for line in lines} == {c["purl"] for c in made["components"] if "purl" in c}
    by_name = {canonicalize_name(found.name): found for found in distributions}
    for line in lines:
        assert line["dependsOn"] == sorted(set(line["dependsOn"]) & set(refs))
        name = line["ref"].partition("/")[2].partition("@")[0]
        wanted = {canonicalize_name(text) for text in by_name[name].requires}
        assert len(line["dependsOn"]) == len(wanted & set(by_name))
    shuffled = random.sample(distributions, len(distributions))
    files = dict(random.sample(list(IMAGE.files.items()), len(IMAGE.files)))
    again = sbom(replace(IMAGE, distributions=shuffled, files=files))
    assert json.dumps(again) == json.dumps(made)
