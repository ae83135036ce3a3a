from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest
from pants.backend.python.target_types import PythonRequirementTarget
from pants.core.target_types import GenericTarget
from pants.engine.addresses import Address

from pants_truss.imports.python_requirement import ProvidedRequirement, describe_requirement


def describe(*requirements: str, **fields: Any) -> ProvidedRequirement:
    values = {"requirements": requirements, **fields}
    return describe_requirement(PythonRequirementTarget(values, Address("3rdparty")))


def test_another_target_provides_nothing() -> None:
    assert describe_requirement(GenericTarget({}, Address("a"))) == ProvidedRequirement()


@pytest.mark.parametrize(
    ("requirement", "written", "modules"),
    [
        ("numpy", "numpy", ("numpy",)),
        ("NumPy>=1.20", "NumPy>=1.20", ("numpy",)),
        ("my-own.lib_x==1", "my-own.lib_x==1", ("my_own_lib_x",)),
        ("PyYAML", "PyYAML", ("yaml",)),
        ("scikit_learn", "scikit_learn", ("sklearn",)),
        ("opencv-python", "opencv-python", ("cv2",)),
        # As Pants' own parser of requirements writes them.
        (
            "lib @ https://me:pw@host/lib.whl",
            "lib@ https://me:pw@host/lib.whl",
            ("lib",),
        ),
        (
            "git+https://host/x.git#egg=My_Lib",
            "My_Lib@ git+https://host/x.git#egg=My_Lib",
            ("my_lib",),
        ),
        ("a[x,y]>=1,<2; os_name == 'x'", 'a[x,y]<2,>=1; os_name == "x"', ("a",)),
    ],
)
def test_a_distribution_and_its_modules(
    requirement: str, written: str, modules: Tuple[str, ...]
) -> None:
    assert describe(requirement) == ProvidedRequirement((written,), modules)


def test_modules_that_the_target_names_are_all_there_are() -> None:
    found = describe("PyYAML", modules=["b", "a.c"])
    assert found == ProvidedRequirement(("PyYAML",), ("b", "a.c"), False)


def test_several_requirements_of_one_target() -> None:
    found = describe("numpy==1", "Pillow", "own-lib")
    assert found.modules == ("numpy", "PIL", "own_lib")
    assert not found.is_type_stub


@pytest.mark.parametrize(
    ("requirements", "fields", "expected"),
    [
        (["types-requests"], {}, True),
        (["types_requests"], {}, True),
        (["Types-Requests>=2"], {}, True),
        (["stubs-x"], {}, True),
        (["pandas-stubs"], {}, True),
        (["mypkg-types"], {}, True),
        (["typing-extensions"], {}, False),
        (["mytypes"], {}, False),
        (["types-a", "b-stubs"], {}, True),
        # One of them is code.
        (["types-a", "numpy"], {}, False),
        (["anything"], {"type_stub_modules": ["anything"]}, True),
        # Who names modules means code, whatever the distribution is called.
        (["types-a"], {"modules": ["a"]}, False),
    ],
)
def test_type_stubs_are_distinguished(
    requirements: Tuple[str, ...], fields: Dict[str, Any], expected: bool
) -> None:
    assert describe(*requirements, **fields).is_type_stub is expected
