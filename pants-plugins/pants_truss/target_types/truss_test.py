from __future__ import annotations

from typing import Any, Dict, List, Optional, Type

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pants.core.goals.package import OutputPathField
from pants.core.goals.run import RestartableField
from pants.core.goals.test import TestTimeoutField as TimeoutField
from pants.engine.addresses import Address
from pants.engine.target import (
    Field,
    InvalidFieldException,
    InvalidFieldTypeException,
    InvalidTargetException,
    Target,
)
from pants.testutil.option_util import create_subsystem

from pants_truss.core.paths import normalize_inside
from pants_truss.subsystems.gather import OutputFormat, TrussGatherSubsystem
from pants_truss.target_types.publish import PUSH_FIELDS
from pants_truss.target_types.truss import (
    TrussBundleImportsField,
    TrussConfigField,
    TrussDependenciesField,
    TrussExternalPackageDependenciesField,
    TrussExternalPackageSourcesField,
    TrussExternalPackageTarget,
    TrussOutputFormatField,
    TrussOutputPathField,
    TrussRequirementsField,
    TrussResolveField,
    TrussSourcesField,
    TrussTarget,
)
from pants_truss.target_types.truss_goals import (
    SkipTrussLintField,
    SkipTrussTestField,
    TrussLintDisableField,
    TrussRestartableField,
    TrussTestTimeoutField,
)

ADDRESS = Address("src/é x", target_name="t")


def refusal(field: Type[Field], raw: Any) -> str:
    with pytest.raises(InvalidFieldException) as error:
        field(raw, ADDRESS)
    return str(error.value)


# --- The config.


@pytest.mark.parametrize(
    "raw, expected",
    [
        (None, "config.yaml"),
        ("config.yaml", "config.yaml"),
        ("./config.yaml", "config.yaml"),
        ("envs//prod.yaml", "envs/prod.yaml"),
        ("a/../b.yaml", "b.yaml"),
        ("..config.yaml", "..config.yaml"),
        ("é x.yml", "é x.yml"),
        # The value is a name, not a pattern. Gathering checks that the file exists.
        ("*.yaml", "*.yaml"),
        ("!config.yaml", "!config.yaml"),
    ],
)
def test_the_config_is_a_path_in_the_truss(raw: Optional[str], expected: str) -> None:
    assert TrussConfigField(raw, ADDRESS).value == expected


@pytest.mark.parametrize(
    "raw, example",
    [
        ("", "config.yaml"),
        ("../prod.yaml", "prod.yaml"),
        ("a/../../prod.yaml", "prod.yaml"),
        ("/abs/é.yaml", "é.yaml"),
        ("//prod.yaml", "prod.yaml"),
        ("../", "config.yaml"),
        ("./", "config.yaml"),
        (".", "config.yaml"),
        ("a/..", "config.yaml"),
    ],
)
def test_a_config_outside_the_truss(raw: str, example: str) -> None:
    assert refusal(TrussConfigField, raw) == (
        "The 'config' field in target src/é x:t must be the path of a file in the truss, relative "
        f'to the BUILD file, but was {raw!r}. For example: `config="{example}"`.'
    )
    # The suggested value is accepted.
    assert TrussConfigField(example, ADDRESS).value == example


@given(st.text(alphabet="./a", max_size=8))
def test_a_config_cannot_leave_the_truss(raw: str) -> None:
    try:
        value = TrussConfigField(raw, ADDRESS).value
    except InvalidFieldException:
        assert not normalize_inside(raw)
    else:
        parts = value.split("/")
        assert value and ".." not in parts and "." not in parts and "" not in parts


# --- Choices and flags.


@pytest.mark.parametrize(
    "field, choices",
    [
        (TrussRequirementsField, ["config", "lockfile"]),
        (TrussOutputFormatField, ["directory", "tar"]),
    ],
)
def test_unknown_choices_are_refused(field: Type[Field], choices: List[str]) -> None:
    assert [field(choice, ADDRESS).value for choice in choices] == choices
    for raw in ("", "both", choices[0].upper(), f" {choices[1]}"):
        text = refusal(field, raw)
        assert f"'{field.alias}' field in target src/é x:t must be one of {choices}" in text
        assert repr(raw) in text


@pytest.mark.parametrize(
    "value, option, expected",
    [
        (None, OutputFormat.DIRECTORY, False),
        (None, OutputFormat.TAR, True),
        ("directory", OutputFormat.TAR, False),
        ("tar", OutputFormat.DIRECTORY, True),
        ("tar", OutputFormat.TAR, True),
    ],
)
def test_a_target_has_its_own_format_or_that_of_the_repository(
    value: Optional[str], option: OutputFormat, expected: bool
) -> None:
    options = create_subsystem(TrussGatherSubsystem, output_format=option)
    assert TrussOutputFormatField(value, ADDRESS).is_tar(options) is expected


@pytest.mark.parametrize(
    "field, default",
    [
        (TrussBundleImportsField, True),
        (TrussRestartableField, True),
        (SkipTrussLintField, False),
        (SkipTrussTestField, False),
    ],
)
def test_flags(field: Type[Field], default: bool) -> None:
    assert [field(raw, ADDRESS).value for raw in (None, True, False)] == [default, True, False]
    with pytest.raises(InvalidFieldTypeException):
        field("yes", ADDRESS)


def test_a_test_timeout_is_positive() -> None:
    assert TrussTestTimeoutField(600, ADDRESS).value == 600
    assert TrussTestTimeoutField(None, ADDRESS).value is None
    for raw in (0, -1):
        assert "must be greater than" in refusal(TrussTestTimeoutField, raw)


@pytest.mark.parametrize("raw", [3, "one, two", ["one"]])
def test_a_resolve_is_one_name(raw: Any) -> None:
    """The rules that use a resolve check that it exists."""
    if isinstance(raw, str):
        assert TrussResolveField(raw, ADDRESS).value == raw
    else:
        assert "The 'resolve' field in target src/é x:t must be a string" in refusal(
            TrussResolveField, raw
        )


# --- Sources.


@pytest.mark.parametrize("field", [TrussSourcesField, TrussExternalPackageSourcesField])
def test_all_files_below_are_sources(field: Type[TrussSourcesField]) -> None:
    assert field(None, ADDRESS).globs == ("**/*",)
    assert field(["**/*", "!é/**"], ADDRESS).globs == ("**/*", "!é/**")
    # A truss is gathered by its own folder, so source roots do not matter.
    assert field.uses_source_roots is False
    assert list(field(None, ADDRESS).filespec["includes"]) == ["src/é x/**/*"]


# --- The targets.


def values(target: Target) -> Dict[str, Any]:
    return {type(field).alias: field.value for field in target.field_values.values()}


def test_defaults() -> None:
    found = values(TrussTarget({}, ADDRESS))
    of_pushes = {field.alias for field in PUSH_FIELDS}
    common = {"tags", "description"}
    assert {name: value for name, value in found.items() if name not in of_pushes | common} == {
        "config": "config.yaml",
        "sources": ("**/*",),
        "dependencies": None,
        "bundle_imports": True,
        "requirements": "config",
        "resolve": None,
        "output_path": None,
        "output_format": None,
        "restartable": True,
        "skip_truss_lint": False,
        "truss_lint_disable": (),
        "skip_truss_test": False,
        "timeout": None,
        "environment": "__local__",
    }
    assert of_pushes <= set(found)


def test_pants_goals_know_the_fields_by_their_own_classes() -> None:
    target = TrussTarget({"output_path": "x", "restartable": False, "timeout": 5}, ADDRESS)
    for general, own, value in (
        (OutputPathField, TrussOutputPathField, "x"),
        (RestartableField, TrussRestartableField, False),
        (TimeoutField, TrussTestTimeoutField, 5),
    ):
        found: Any = target[general]
        assert type(found) is own and found.value == value


def test_trusses_and_packages_have_different_fields() -> None:
    """Rules select targets by field, so a shared field would turn a package into a truss."""
    truss, package = (target({}, ADDRESS) for target in (TrussTarget, TrussExternalPackageTarget))
    own = (TrussConfigField, TrussSourcesField, TrussDependenciesField)
    others = (TrussExternalPackageSourcesField, TrussExternalPackageDependenciesField)
    assert [truss.has_field(field) for field in (*own, *others)] == [True] * 3 + [False] * 2
    assert [package.has_field(field) for field in (*own, *others)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize("target", [TrussTarget, TrussExternalPackageTarget])
def test_unknown_fields_are_refused(target: Type[Target]) -> None:
    with pytest.raises(InvalidTargetException) as error:
        target({"confg": "x.yaml"}, ADDRESS)
    text = str(error.value)
    assert "confg" in text and target.alias in text and "src/é x:t" in text


@pytest.mark.parametrize("rule", ["secrets", "cannot-gather", ""])
def test_rules_that_cannot_be_switched_off(rule: str) -> None:
    with pytest.raises(InvalidFieldException) as caught:
        TrussLintDisableField([rule], ADDRESS)
    message = f"The 'truss_lint_disable' field in target {ADDRESS} has {rule!r}: "
    assert str(caught.value).startswith(message)
