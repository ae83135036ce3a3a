from __future__ import annotations

from pants.engine.process import InteractiveProcess
from pants.util.frozendict import FrozenDict

from pants_truss.publish.hidden import hidden


def test_what_pants_logs_of_a_process() -> None:
    process = InteractiveProcess(("x",), env=hidden({"KEY": "planted"}))
    assert process.process.env == FrozenDict({"KEY": "planted"})
    assert "planted" not in repr(process) and "KEY" in repr(process)
