from __future__ import annotations

from pants.testutil.rule_runner import QueryRule, RuleRunner

from pants_truss.pants_api import per_session
from pants_truss.pants_api.per_session import Session, SessionRequest


def test_the_number_changes_with_each_session() -> None:
    rule_runner = RuleRunner(rules=[*per_session.rules(), QueryRule(Session, [SessionRequest])])

    def number() -> int:
        return rule_runner.request(Session, [SessionRequest()]).number

    first = number()
    assert number() == first
    rule_runner.new_session("next")
    second = number()
    assert second != first
    assert number() == second
    rule_runner.set_options([])
    assert number() not in (first, second)
