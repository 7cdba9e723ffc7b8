# Generated from core/aio/transaction.py by tools/twins.py; edit that.
"""Several writes as one: gathered, then committed all together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from aircraftops_data.core.accompanied import Companion
from aircraftops_data.core.commit import commit
from aircraftops_data.core.gathering import Gathering
from aircraftops_data.core.run import Runner


class Transaction(Gathering):
    """Writes gathered in an `with` block, committed together when it ends, none of them when it raises.

    Up to 100 actions (a unique value takes one more) and 4 MB, kept in order. 2 write units per KB and action.
    Raises TransactionConflictError, with one typed reason or None per action, in order.
    """

    def __init__(self, runner: Runner, companions: Sequence[Companion] = ()) -> None:
        super().__init__(companions)
        self._runner = runner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        intents = self.close()
        if kind is None and intents:
            self.results = self._runner.run(commit(intents, self._runner.context))
