# Generated from coordination/aio/attempt.py by tools/twins.py; edit that.
"""An attempt at a change, by who holds the lock: in one transaction, in chunks, or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

from aircraftops_data.coordination.change import Change, Mode
from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.coordination.locks import Lock
from aircraftops_data.coordination.record import ChangeProgress, ChangeRecord, ChangeState, Goal
from aircraftops_data.coordination.stepping import Raised, Steps, begun, chunk_record, ended, found, refused_for_good
from aircraftops_data.core.gathering import Gathering
from aircraftops_data.core.table import CoreTable
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ChangeFailedError,
    ChangeStoppedError,
    ConflictError,
    InvalidInputError,
    LockLostError,
    NotFoundError,
    StoreError,
)

OnChangeProgress: TypeAlias = Callable[[ChangeProgress], object]


class ChangeContext(Chunk):
    """What the functions of a change are given: `core` to read with, `tx` for its writes, and where it goes on.

    An external change writes by itself; `idempotency_key` is for those who can tell a repetition, and `lock.fence()`
    for transactions of its own.
    """

    def __init__(self, change: Change, record: ChangeRecord, core: CoreTable, lock: Lock) -> None:
        super().__init__(change.parameters, record.cursor)
        self._change = change
        self.core = core
        self.lock = lock
        self.attempt = record.attempt
        undoing = ":undo" if record.goal is Goal.ROLL_BACK else ""
        self.idempotency_key = f"{record.scope}:{record.id}:{record.generation}{undoing}"
        """The same for every attempt; others to undo the change, and to make it anew once it was undone."""

    @property
    def tx(self) -> Gathering:
        """The writes, committed when the function has returned. Raises InvalidInputError in an external change."""
        if self._change.mode is Mode.EXTERNAL:
            raise InvalidInputError("An external change has no transaction: it writes by itself")
        return super().tx

    def go_on(self, cursor: str | None, *, done: int = 0, total: int | None = None) -> None:
        """Say where the next chunk begins (None: this was the last), and for people how many items were dealt with.

        A chunk that says nothing is the last one. Raises InvalidInputError in a change that is not made in chunks.
        """
        if self._change.mode is not Mode.CHUNKED:
            raise InvalidInputError(f"Change {self._change.id!r} cannot go on: its mode is not chunked")
        super().go_on(cursor, done=done, total=total)


class Attempt:
    """A change in the hands of who holds the lock; `record` is what is recorded of it."""

    def __init__(
        self,
        change: Change,
        record: ChangeRecord,
        core: CoreTable,
        lock: Lock,
        steps: Steps,
        progress: OnChangeProgress | None = None,
    ) -> None:
        self._change = change
        self._core = core.paced(change.rate)
        self._lock = lock
        self._steps = steps
        self._progress = progress
        self._began = 0.0
        self.record = record

    def make(self, goal: Goal, reason: str | None = None) -> None:
        """Make the change, or undo it for a reason. Raises ChangeFailedError, LockLostError, StoreError."""
        self._began = self._core.context.clock.monotonic()
        self.step(ChangeState.STARTED, reason=reason, **begun(self._change, self.record, goal))
        try:
            over = False
            while not over:
                over = self._one_go(goal)
                self._tell()
        except Raised as raised:
            self._failed(raised.error, goal)
            name = type(raised.error).__name__
            message = f"Change {self._change.id!r} raised {name}; it is {self.record.state}"
            fields = {"change_id": self._change.id, "state": self.record.state}
            raise ChangeFailedError(message, **fields) from raised.error

    def probe(self) -> bool | None:
        """Whether the change was made, by its probe; None where that has no idea."""
        assert self._change.probe is not None
        try:
            return found(self._change.probe(self._context()))
        except Exception as error:
            message = f"The probe of change {self._change.id!r} raised {type(error).__name__}"
            raise ChangeFailedError(message, change_id=self._change.id, state=self.record.state) from error

    def step(self, state: ChangeState, **changes: Any) -> None:
        """Bring the change into a state."""
        self.record = self._core.runner.run(self._steps.step(self.record, state, self._core.context, **changes))

    def _failed(self, error: Exception, goal: Goal) -> None:
        """Record it; and undo what an external change may have done, which a person must where that fails."""
        self.step(ChangeState.FAILED, error=type(error).__name__, duration=self._duration())
        if self._change.mode is not Mode.EXTERNAL or goal is Goal.ROLL_BACK or self._change.rollback is None:
            return
        try:
            self.make(Goal.ROLL_BACK)
        except ChangeFailedError:
            self.step(ChangeState.MANUAL)

    def _one_go(self, goal: Goal) -> bool:
        """Run the function once and commit what it gathered; whether that was all. A chunk in conflict runs again."""
        about = self._core.context
        for tries in range(about.retry.attempts):
            context = self._context()
            self._run(context, goal)
            try:
                return self._commit(context, goal)
            except (ChangeStoppedError, LockLostError, StoreError):
                raise
            except (ConflictError, NotFoundError) as refused:
                if tries + 1 == about.retry.attempts or (tries > 0 and refused_for_good(refused)):
                    raise Raised(refused) from refused
            except AircraftOpsDataError as error:
                raise Raised(error) from error
            about.clock.sleep(about.pause(tries))
        raise AssertionError("the last try returns or raises")

    def _run(self, context: ChangeContext, goal: Goal) -> None:
        work = self._change.rollback if goal is Goal.ROLL_BACK else self._change.function
        try:
            self._lock.check()
            if work is not None:
                ended(work(context))
            elif self._change.plan is not None:
                self._core.runner.run(self._change.plan(context, self._core.context))
        except LockLostError:
            raise
        except Exception as error:
            raise Raised(error) from error

    def _commit(self, context: ChangeContext, goal: Goal) -> bool:
        """Commit what the function gathered, and where it stands. Raises what `commit` does."""
        beside = [] if self._change.mode is Mode.EXTERNAL else context.gathered()
        changes = chunk_record(self.record, context) if self._change.mode is Mode.CHUNKED else {}
        if self._change.mode is Mode.CHUNKED and context.next is not None:
            plan = self._steps.progress(self.record, self._core.context, beside=beside, **changes)
            self.record = self._core.runner.run(plan)
            return False
        state = ChangeState.ROLLED_BACK if goal is Goal.ROLL_BACK else ChangeState.APPLIED
        self.step(state, beside=beside, duration=self._duration(), **changes)
        return True

    def _context(self) -> ChangeContext:
        return ChangeContext(self._change, self.record, self._core, self._lock)

    def _duration(self) -> timedelta:
        return timedelta(seconds=self._core.context.clock.monotonic() - self._began)

    def _tell(self) -> None:
        if self._progress is not None and self._change.mode is Mode.CHUNKED:
            self._progress(self.record.progress())
