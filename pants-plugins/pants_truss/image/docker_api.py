"""Calls of Pants' docker backend, with the same names on all releases. They are separate from
`pants_api`, so that a repository without images does not load that backend."""

from pants_truss.pants_api import HAS_CALL_BY_NAME

if HAS_CALL_BY_NAME:
    from pants_truss.image._docker_by_name import *  # noqa: F401,F403
else:
    from pants_truss.image._docker_by_type import *  # noqa: F401,F403
