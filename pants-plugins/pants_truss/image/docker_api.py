"""Calls of Pants' docker backend, in one way for all releases, as `pants_api` has those of its
core: who needs no images does not load that backend."""

from pants_truss.pants_api import HAS_CALL_BY_NAME

if HAS_CALL_BY_NAME:
    from pants_truss.image._docker_by_name import *  # noqa: F401,F403
else:
    from pants_truss.image._docker_by_type import *  # noqa: F401,F403
