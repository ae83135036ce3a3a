from __future__ import annotations

from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pants_truss.core.lint.config_rules import rule_problems
from pants_truss.core.lint.problem import Problem
from pants_truss.core.lint.release import default_release

RELEASE = default_release()
ACCELERATORS = RELEASE.accelerators or ()


def of(**resources: Any) -> List[Problem]:
    return list(rule_problems({"resources": resources}, RELEASE))


@pytest.mark.parametrize("cpu", ["1", "0.5", ".5", "16", "500m", "1500m", "0.5m", 4, None, [1]])
def test_cpus_that_truss_takes_and_wrong_types(cpu: Any) -> None:
    assert not of(cpu=cpu)


@pytest.mark.parametrize(
    "cpu", ["", "four", "4cores", "m", ".m", "500M", "500mm", "m500", "-500m", "500m\n", "2Gi"]
)
def test_other_cpus(cpu: str) -> None:
    (problem,) = of(cpu=cpu)
    assert problem.key == ("resources", "cpu")
    assert problem.message.startswith("`resources.cpu` is ")
    assert 'cores, `cpu: "4"`, or of thousandths, `cpu: 500m`.' in problem.message


UNITS = "k M G T P E Ki Mi Gi Ti Pi Ei".split()


@pytest.mark.parametrize("number", ["2", "1.5", ".5", "2.", "0", "1000000"])
def test_memory_that_truss_takes(number: str) -> None:
    for unit in ["", *UNITS]:
        assert not of(memory=number + unit)


@pytest.mark.parametrize(
    "unit", ["B", "GB", "GiB", "gi", "GI", "K", "ki", "m", "g", "Zi", "Gi ", "Gi\n", "i", "GiGi"]
)
def test_other_units(unit: str) -> None:
    (problem,) = of(memory="10" + unit)
    assert problem.key == ("resources", "memory")
    assert "Write a number with a unit: `memory: 2Gi`." in problem.message
    # A value with white space might be anything.
    shown = "a string" if unit.strip() != unit else f"the string {'10' + unit!r}"
    assert problem.message.startswith(f"`resources.memory` is {shown}.")


@pytest.mark.parametrize("memory", ["", "Gi", ".Gi", "1.2.3Gi", "-1Gi", "lots", "2 Gi", "1e3Gi"])
def test_memory_without_a_number(memory: str) -> None:
    (problem,) = of(memory=memory)
    assert problem.key == ("resources", "memory")


def test_memory_of_a_wrong_type_is_left_to_the_schema() -> None:
    assert not of(memory=2) and not of(memory=None) and not of(memory={"Gi": 2})


@given(
    name=st.sampled_from(ACCELERATORS),
    count=st.integers(min_value=1, max_value=10**6),
    space=st.sampled_from(["", " ", "\n"]),
)
def test_accelerators_that_truss_takes(name: str, count: int, space: str) -> None:
    for written in (name, f"{space}{name}{space}", f"{name}:{count}", f"{space}{name}:{count}"):
        assert not of(accelerator=written)
    assert not of(accelerator={"accelerator": name, "count": count})


@pytest.mark.parametrize("value", [None, {}, {"count": 0}, {"accelerator": None}])
def test_no_accelerator(value: Any) -> None:
    assert not of(accelerator=value)


@pytest.mark.parametrize(
    "name", ["", "l4", "L5", "L4s", "A100-40GB", "nvidia", "L4,2", "2", "L4 ", ":"]
)
def test_accelerators_that_truss_does_not_have(name: str) -> None:
    for value in (f"{name}:2", f"{name}:x", {"accelerator": name}):
        (problem,) = of(accelerator=value)
        assert problem.key == ("resources", "accelerator")
        assert f"but must be one of {', '.join(ACCELERATORS)}, with `:2`" in problem.message


@pytest.mark.parametrize("name", [1, True, ["L4"], {"L4": 1}])
def test_a_name_of_an_accelerator_of_a_wrong_type(name: Any) -> None:
    (problem,) = of(accelerator={"accelerator": name})
    assert "`resources.accelerator` is a mapping, but must be one of" in problem.message


@pytest.mark.parametrize("count", ["", "0", "000", "-1", "+1", "1.5", "two", "2:3", ":2", " 2"])
def test_invalid_counts(count: str) -> None:
    (problem,) = of(accelerator=f"A10G:{count}")
    assert problem.key == ("resources", "accelerator")
    assert problem.message.endswith(
        ": its count is not a whole number. Write, for example, `L4:2`."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(4, "the number 4"), (True, "the boolean true"), (["L4"], "a list"), (1.5, "the number 1.5")],
)
def test_an_accelerator_of_a_wrong_type(value: Any, shown: str) -> None:
    (problem,) = of(accelerator=value)
    assert problem.message == (f"`resources.accelerator` is {shown}. Write `accelerator: L4`.")


def test_each_of_the_resources_is_reported() -> None:
    found = of(cpu="four", memory="lots", accelerator="L5")
    assert [problem.key[1] for problem in found] == ["cpu", "memory", "accelerator"]


@pytest.mark.parametrize("key", ["cpu", "memory", "accelerator"])
def test_what_may_be_confidential_is_not_shown(key: str) -> None:
    for value in ("https://u:hunter22@host", "hunter22 hunter22", "hunter22-my-secret"):
        (problem,) = of(**{key: value})
        assert "hunter22" not in problem.message and "a string" in problem.message
