"""A Pants backend for the tests: appends each work unit of a run to a file, its name and what it is
described as."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable, Tuple

from pants.base.build_environment import get_buildroot
from pants.engine.rules import collect_rules, rule
from pants.engine.streaming_workunit_handler import (
    StreamingWorkunitContext,
    WorkunitsCallback,
    WorkunitsCallbackFactory,
    WorkunitsCallbackFactoryRequest,
)
from pants.engine.unions import UnionRule

LOG_FILE = ".work_units"
# Pants writes all that it knows of each work unit here, if this file exists already.
DETAILS_FILE = ".work_unit_details"


class LogCallback(WorkunitsCallback):
    @property
    def can_finish_async(self) -> bool:
        return False

    def __call__(
        self,
        *,
        completed_workunits: Tuple[Any, ...],
        started_workunits: Tuple[Any, ...],
        context: StreamingWorkunitContext,
        finished: bool = False,
        **kwargs: Any,
    ) -> None:
        with Path(get_buildroot(), LOG_FILE).open("a") as file:
            file.writelines(
                f"{unit['name']}\t{' '.join(str(unit.get('description') or '').split())}\n"
                for unit in completed_workunits
            )
        details = Path(get_buildroot(), DETAILS_FILE)
        if details.exists():
            with details.open("a") as file:
                file.writelines(f"{workunit!r}\n" for workunit in completed_workunits)


class LogFactoryRequest(WorkunitsCallbackFactoryRequest):
    pass


@rule
async def make_callback_factory(_: LogFactoryRequest) -> WorkunitsCallbackFactory:
    return WorkunitsCallbackFactory(LogCallback)


def rules() -> Iterable[object]:
    return [*collect_rules(), UnionRule(WorkunitsCallbackFactoryRequest, LogFactoryRequest)]
