"""The one place that knows which Pants this is.

Rules import the engine's calls from here and are written once, in the call-by-name idiom of Pants
2.30 and later. Up to 2.29 the same names make `Get`s. Two habits make that work everywhere:

* the first parameter of a rule is its request, the others are injected;
* a call passes its request first and `**implicitly()` after it.

`concurrently` takes the calls of this package and those of own rules, never plain coroutines.
"""

from packaging.version import Version
from pants.version import PANTS_SEMVER

HAS_CALL_BY_NAME = PANTS_SEMVER >= Version("2.30.0.dev0")

# Up to Pants 2.18, its Pex cannot run Python 3.12; it can still choose wheels for it. None: it runs
# on each Python that the plugin knows.
NEWEST_PYTHON_OF_PEX = None if PANTS_SEMVER >= Version("2.19.0.dev0") else (3, 11)

if HAS_CALL_BY_NAME:
    from pants_truss.pants_api._by_name import *  # noqa: F401,F403
else:
    from pants_truss.pants_api._by_type import *  # noqa: F401,F403
