"""Several writes as one: gathered, then committed all together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aircraftops_data.core.accompanied import Companion
from aircraftops_data.core.aio.run import AsyncRunner
from aircraftops_data.core.commit import commit
from aircraftops_data.core.gathering import Gathering


class AsyncTransaction(Gathering):
    """Writes gathered in an `async with` block, committed together when it ends, none of them when it raises.

    Up to 100 actions (a unique value takes one more) and 4 MB, kept in order. 2 write units per KB and action.
    Raises TransactionConflictError, with one typed reason or None per action, in order.
    """

    def __init__(self, runner: AsyncRunner, companions: Sequence[Companion] = ()) -> None:
        super().__init__(companions)
        self._runner = runner

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        intents = self.close()
        if kind is None and intents:
            self.results = await self._runner.run(commit(intents, self._runner.context))
