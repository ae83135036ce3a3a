from __future__ import annotations

import threading
from pathlib import Path
from typing import Iterator

import pytest

from pants_truss.testutil.pushing import Pushing
from pants_truss.testutil.stand_in_baseten import Baseten


@pytest.fixture
def baseten() -> Iterator[Baseten]:
    with Baseten() as made:
        threading.Thread(
            target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        yield made
        made.ended.set()
        made.shutdown()


@pytest.fixture
def pushing(tmp_path: Path, baseten: Baseten) -> Pushing:
    return Pushing(tmp_path, baseten)
