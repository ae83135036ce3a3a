"""The only package that depends on the release of Pants.

Rules import the engine's calls from here and are written once, in the call-by-name idiom of Pants
2.30 and later. Up to 2.29 the same names make `Get`s. Two habits make that work everywhere:

* the first parameter of a rule is its request, the others are injected;
* a call passes its request first and `**implicitly()` after it.

`concurrently` accepts calls of this package and of the plugin's rules, never plain coroutines.
"""

from packaging.version import Version
from pants.version import PANTS_SEMVER

HAS_CALL_BY_NAME = PANTS_SEMVER >= Version("2.30.0.dev0")

# The Pex of Pants up to 2.18 cannot run Python 3.12, but can choose wheels for it. None means that
# Pex runs on every Python that the plugin supports.
NEWEST_PYTHON_OF_PEX = None if PANTS_SEMVER >= Version("2.19.0.dev0") else (3, 11)

if HAS_CALL_BY_NAME:
    from pants_truss.pants_api._by_name import *  # noqa: F401,F403
else:
    from pants_truss.pants_api._by_type import *  # noqa: F401,F403
