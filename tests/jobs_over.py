"""Jobs over either core, the blocking and the asyncio one, behind one interface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aircraftops_data import CoreTable
from aircraftops_data.jobs import Jobs
from aircraftops_data.jobs.aio import AsyncJobs
from aircraftops_data.request import Request, Response
from blocking import Blocking, BlockingCore
from faults import Fault, Send, faulty, passing


def jobs_over(core: CoreTable, **options: Any) -> Jobs:
    """The jobs of a core, called as the blocking ones are."""
    if isinstance(core, BlockingCore):
        return cast("Jobs", BlockingJobs(AsyncJobs(core._inner, **options)))
    return Jobs(core, **options)


class BlockingJobs(Blocking):
    """An `AsyncJobs` used as a `Jobs` is."""

    def once(self, key: str, work: Callable[[Any], Any], **options: Any) -> Any:
        """As `Jobs.once`; the work is done in a thread."""

        async def in_thread(turn: Any) -> Any:
            return await asyncio.to_thread(work, Blocking(turn))

        return self.__getattr__("once")(key, in_thread, **options)


def faulty_at(core: CoreTable, place: int, fault: Fault) -> tuple[CoreTable, list[Request]]:
    """The same tables, where the request of this number (from 0) meets a fault; and the requests sent."""
    watched, transport = faulty(core)

    def numbered(request: Request, send: Send) -> Response:
        return (fault if len(transport.sent) == place + 1 else passing)(request, send)

    for operation in ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
        transport.always(operation, numbered)
    return watched, transport.sent
