from __future__ import annotations

from typing import Dict, List, Optional

import pytest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.subsystems.publish import TrussPublishSubsystem


@pytest.fixture(scope="module")
def rule_runner() -> RuleRunner:
    rules = [*TrussPublishSubsystem.rules(), QueryRule(TrussPublishSubsystem, [])]
    return RuleRunner(rules=rules)


def parse(
    rule_runner: RuleRunner, *args: str, env: Optional[Dict[str, str]] = None
) -> TrussPublishSubsystem:
    rule_runner.set_options(args, env=env or {})
    return rule_runner.request(TrussPublishSubsystem, [])


def test_nothing_is_pushed_by_default(rule_runner: RuleRunner) -> None:
    found = parse(rule_runner)
    assert not found.default_remotes
    # By default, requested trusses are pushed every time.
    assert (found.dry_run, found.skip_unchanged) == (False, False)


def test_all_options_have_environment_variables(rule_runner: RuleRunner) -> None:
    env = {
        "PANTS_TRUSS_PUBLISH_DEFAULT_REMOTES": "['staging', 'baseten']",
        "PANTS_TRUSS_PUBLISH_DRY_RUN": "true",
        "PANTS_TRUSS_PUBLISH_RETRIES": "7",
        "PANTS_TRUSS_PUBLISH_RETRY_DELAY": "0.5",
        "PANTS_TRUSS_PUBLISH_SKIP_UNCHANGED": "true",
        "PANTS_TRUSS_PUBLISH_STATE_FILE": "ci/é.json",
    }
    found = parse(rule_runner, env=env)
    assert list(found.default_remotes) == ["staging", "baseten"]
    assert (found.dry_run, found.skip_unchanged) == (True, True)
    assert (found.retries, found.retry_delay) == (7, 0.5)
    assert found.state_file == "ci/é.json"


def test_the_state_file_lies_in_distdir(rule_runner: RuleRunner) -> None:
    """Pants' name for the placeholder is `distdir`; it becomes the path of `dist`."""
    assert parse(rule_runner).state_file == "{distdir}/truss-publish.json"
    elsewhere = parse(rule_runner, "--pants-distdir=/build/root/out")
    assert elsewhere.state_file == "{distdir}/truss-publish.json"


def test_variables_of_proxies_and_certificates_are_passed(rule_runner: RuleRunner) -> None:
    """Upper and lower case, because programs differ in which they read."""
    found = list(parse(rule_runner).env_vars)
    assert found == sorted(found)
    small = {name.lower() for name in found if name.isupper() and name.endswith("_PROXY")}
    assert {"https_proxy", "no_proxy"} <= small <= set(found)
    # Credentials are not in the list, so a custom list cannot remove them.
    assert not [name for name in found if "KEY" in name or "TOKEN" in name]


@pytest.mark.parametrize(
    "value, expected",
    [
        ("[]", []),
        ("['NAME', 'OTHER=é']", ["NAME", "OTHER=é"]),
    ],
)
def test_env_vars_replace_the_default(
    rule_runner: RuleRunner, value: str, expected: List[str]
) -> None:
    found = parse(rule_runner, f"--truss-publish-env-vars={value}")
    assert list(found.env_vars) == expected


@pytest.mark.parametrize(
    "option, value",
    [("retries", "often"), ("retries", "1.5"), ("retry-delay", "2s"), ("dry-run", "maybe")],
)
def test_wrong_types_are_refused(rule_runner: RuleRunner, option: str, value: str) -> None:
    """A typo must not turn off a dry run. The message is that of the Pants release."""
    with pytest.raises(Exception, match=value) as error:
        parse(rule_runner, f"--truss-publish-{option}={value}")
    assert option in str(error.value) or option.replace("-", "_") in str(error.value)
