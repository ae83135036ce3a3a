from __future__ import annotations

from typing import Dict, Tuple

import pytest
from pants.core.target_types import GenericTarget
from pants.core.target_types import rules as core_target_types_rules
from pants.engine.addresses import Address, Addresses
from pants.engine.target import DependenciesRequest, InvalidFieldException
from pants.testutil.rule_runner import QueryRule, RuleRunner, engine_error

from pants_truss.image import image_target
from pants_truss.image.image_target import (
    CheckImageTargetRequest,
    FindTrussOfImageRequest,
    ImageTarget,
    TrussOfImage,
)
from pants_truss.image.target_types import (
    TrussImageDependenciesField,
    TrussImageTarget,
    TrussImageTrussField,
)
from pants_truss.sources.config_file import InvalidTruss
from pants_truss.target_types.truss import TrussTarget


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[
            *core_target_types_rules(),
            *image_target.rules(),
            QueryRule(Addresses, [DependenciesRequest]),
            QueryRule(ImageTarget, [CheckImageTargetRequest]),
            QueryRule(TrussOfImage, [FindTrussOfImageRequest]),
        ],
        target_types=[GenericTarget, TrussImageTarget, TrussTarget],
    )


def write(rule_runner: RuleRunner, folder: str, truss: str, more: str = "") -> Address:
    builds: Dict[str, str] = {
        f"{folder}/BUILD": f"truss_image(name='image', truss={truss!r}, builder='oci')\n{more}"
    }
    rule_runner.write_files(builds)
    return Address(folder, target_name="image")


def find(rule_runner: RuleRunner, address: Address) -> str:
    field = rule_runner.get_target(address)[TrussImageTrussField]
    found = rule_runner.request(TrussOfImage, [FindTrussOfImageRequest(field)])
    return found.truss.address.spec


def dependencies(rule_runner: RuleRunner, address: Address) -> Tuple[str, ...]:
    field = rule_runner.get_target(address)[TrussImageDependenciesField]
    found = rule_runner.request(Addresses, [DependenciesRequest(field)])
    return tuple(sorted(each.spec for each in found))


@pytest.mark.parametrize(
    ("folder", "written", "found"),
    [
        ("beside", ":model", "beside:model"),
        ("by_path", "by_path:model", "by_path:model"),
        ("from_root", "//from_root:model", "from_root:model"),
        ("by/parts", "by/parts/model", "by/parts/model:model"),
    ],
)
def test_a_truss_is_named_like_any_target(
    rule_runner: RuleRunner, folder: str, written: str, found: str
) -> None:
    address = write(rule_runner, folder, written, "truss(name='model')")
    rule_runner.write_files({"by/parts/model/BUILD": "truss()"})
    assert find(rule_runner, address) == found
    assert dependencies(rule_runner, address) == (found,)


def test_other_dependencies_of_an_image(rule_runner: RuleRunner) -> None:
    rule_runner.write_files(
        {
            "more/BUILD": (
                "target(name='docs')\ntruss(name='model')\n"
                "truss_image(name='image', truss=':model', dependencies=[':docs', ':model'])"
            )
        }
    )
    address = Address("more", target_name="image")
    assert dependencies(rule_runner, address) == ("more:docs", "more:model")


def test_other_targets_are_refused(rule_runner: RuleRunner) -> None:
    address = write(rule_runner, "other", ":docs", "target(name='docs')")
    message = "other:image: `truss` is ':docs', which is a 'target' target. Name a `truss`."
    with engine_error(InvalidTruss, contains=message):
        find(rule_runner, address)
    with engine_error(InvalidTruss, contains=message):
        dependencies(rule_runner, address)


def test_an_unknown_target(rule_runner: RuleRunner) -> None:
    address = write(rule_runner, "nowhere", ":model")
    with engine_error(contains="`truss` field of the target nowhere:image"):
        find(rule_runner, address)


def test_an_image_is_checked_when_it_is_looked_up(rule_runner: RuleRunner) -> None:
    address = write(rule_runner, "checked", ":model", "truss(name='model')")
    found = rule_runner.request(ImageTarget, [CheckImageTargetRequest(address)])
    assert found.target.address == address
    rule_runner.write_files(
        {"checked/BUILD": "truss_image(name='image', truss=':model', docker_archive=True)"}
    )
    with engine_error(
        InvalidFieldException,
        contains=(
            "The 'docker_archive' field in target checked:image has no effect with "
            '`builder="docker"`. Remove it, or write `builder="oci"`.'
        ),
    ):
        rule_runner.request(ImageTarget, [CheckImageTargetRequest(address)])
