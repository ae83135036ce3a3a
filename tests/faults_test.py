"""The faults that `faults/measure.py` puts into the plugin can still be put into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.fault import Fault
from faults.faults import FAULTS

PACKAGE = Path("pants-plugins/pants_truss")


def test_there_are_eighty_in_all_parts() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) == 80
    parts = {path.parent.relative_to(PACKAGE).parts[0] for path in PACKAGE.glob("*/*.py")}
    # In these parts, a fault could only be in the help texts or in a script of a few lines.
    parts -= {"script_tool", "target_types", "testutil"}
    assert parts == {Path(fault.path).parts[0] for fault in FAULTS}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_applies(fault: Fault) -> None:
    text = (PACKAGE / fault.path).read_text()
    assert text.count(fault.before) == 1
    compile(text.replace(fault.before, fault.after), fault.path, "exec")
