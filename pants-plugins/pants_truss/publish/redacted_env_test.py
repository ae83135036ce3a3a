from __future__ import annotations

from pants.engine.process import InteractiveProcess
from pants.util.frozendict import FrozenDict

from pants_truss.publish.redacted_env import hidden


def test_hidden_values_are_not_logged() -> None:
    process = InteractiveProcess(("x",), env=hidden({"KEY": "planted"}))
    assert process.process.env == FrozenDict({"KEY": "planted"})
    assert "planted" not in repr(process) and "KEY" in repr(process)
