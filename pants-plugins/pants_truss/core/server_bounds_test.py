from __future__ import annotations

import pytest

from pants_truss.core.server_bounds import contradictions, describe_contradictions


@pytest.mark.parametrize(
    ("pin", "found"),
    [
        ("fastapi==0.95.0", True),
        ("FastAPI[all]==0.95.0", True),
        ("fastapi==0.120", False),
        ("fastapi===0.95.0", True),
        ("fastapi==0.120rc1", False),
        # Which version these become is not known here.
        ("fastapi>=0.95,<0.96", False),
        ("fastapi", False),
        ("fastapi @ https://host/fastapi-0.95.0.whl", False),
        ("fastapi==weird!version", False),
        ("other==1", False),
        ("--extra-index-url https://host", False),
        ("not a requirement!", False),
    ],
)
def test_pins_that_a_constraint_excludes(pin: str, found: bool) -> None:
    bound = "fastapi>=0.114,<0.137"
    assert contradictions([pin], [bound, "# why", "numpy<3"]) == (((pin, bound),) if found else ())


def test_the_sentence_names_both() -> None:
    found = contradictions(["msgpack==1.0.5"], ["msgpack==1.1.0"])
    assert describe_contradictions(found, "of Truss 1") == (
        "these pins and the constraints of the model server of Truss 1 contradict each other, so "
        "an image could not be built either: `msgpack==1.0.5` and `msgpack==1.1.0`"
    )
