"""Steps of a change, each one transaction: the record under its version, an entry that stays, and the lock's fence."""

from __future__ import annotations

import getpass
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, Self

from aircraftops_data.coordination.change import Change, Mode
from aircraftops_data.coordination.chunk import Chunk
from aircraftops_data.coordination.record import MADE, OPEN, ChangeEntry, ChangeRecord, ChangeState, Goal
from aircraftops_data.core.commit import commit
from aircraftops_data.core.context import Context, TableNames
from aircraftops_data.core.elsewhere import elsewhere
from aircraftops_data.core.intents import Create, Replace, stamped
from aircraftops_data.core.process import host_name
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ChangeStoppedError,
    ConditionFailedError,
    ConflictError,
    DefinitionError,
    InvalidInputError,
    LockLostError,
    NotFoundError,
    TransactionConflictError,
    VersionConflictError,
)
from aircraftops_data.request import Plan


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes changes, and where."""

    scope: str
    host: str
    operator: str

    @classmethod
    def of(cls, scope: str, operator: str | None) -> Self:
        """The maker that this process is; an operator who is not named is who runs it."""
        return cls(scope, host_name(), operator or _user())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # In a container, a user may have no name.
        return "unknown"


class Steps:
    """The steps taken while one lock is held; they are numbered, so that the history has one order."""

    def __init__(self, maker: Maker, names: TableNames, fence: Intent[None], token: int) -> None:
        self._maker = maker
        self._names = names
        self._fence = fence
        self._token = token
        self._numbers = count()

    def step(
        self,
        before: ChangeRecord,
        state: ChangeState,
        context: Context,
        *,
        beside: Sequence[Intent[Any]] = (),
        duration: timedelta | None = None,
        reason: str | None = None,
        **changes: Any,
    ) -> Plan[ChangeRecord]:
        """Bring a change into a state, and commit writes beside it. 6 write units, and those of the writes.

        Raises LockLostError, and TransactionConflictError where the writes beside it are refused; then nothing is
        written.
        """
        undone = state is ChangeState.ROLLED_BACK is not before.state
        after = self._changed(before, {"state": state, "generation": before.generation + undone, **changes})
        entry = ChangeEntry(
            scope=self._maker.scope,
            token=self._token,
            step=next(self._numbers),
            change_id=after.id,
            before=before.state,
            state=state,
            goal=after.goal,
            attempt=after.attempt,
            checksum=after.checksum,
            host=self._maker.host,
            operator=self._maker.operator,
            duration=duration,
            error=after.error,
            reason=reason,
            at=context.clock.now(),
        )
        return (yield from self._commit(before, after, context, [Create(entry)], beside))

    def progress(
        self, before: ChangeRecord, context: Context, *, beside: Sequence[Intent[Any]], **changes: Any
    ) -> Plan[ChangeRecord]:
        """Commit a chunk that is not the last. 4 write units, and those of its writes. Raises as `step` does."""
        return (yield from self._commit(before, self._changed(before, changes), context, [], beside))

    def _changed(self, before: ChangeRecord, changes: dict[str, Any]) -> ChangeRecord:
        return before.model_copy(update={**changes, "token": self._token})

    def _commit(
        self,
        before: ChangeRecord,
        after: ChangeRecord,
        context: Context,
        entries: Sequence[Intent[Any]],
        beside: Sequence[Intent[Any]],
    ) -> Plan[ChangeRecord]:
        main: Intent[Any] = Replace(after) if before.version else Create(after)
        try:
            yield from commit([self._fence, *elsewhere([main, *entries], self._names), *beside], context)
        except TransactionConflictError as refused:
            raise _of_these(refused, after.id, 2 + len(entries)) from refused
        now = context.clock.now()
        return stamped(after, before.version + 1, now, before.created_at)


def first(change: Change, scope: str) -> ChangeRecord:
    """The record of a change of which nothing is recorded yet."""
    return ChangeRecord(
        scope=scope, id=change.id, state=ChangeState.PENDING, mode=change.mode, checksum=change.checksum, token=0
    )


class Raised(Exception):
    """The function of a change raised `error`, or what it asked for cannot be had."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _of_these(refused: TransactionConflictError, change_id: str, ours: int) -> AircraftOpsDataError:
    """What a refused transaction means to who asked for the writes that come behind ours."""
    lost, *mine = refused.reasons[:ours]
    if isinstance(lost, LockLostError):
        return lost
    if any(mine):
        message = f"The record of change {change_id!r} was written by others"
        return ChangeStoppedError(message, change_id=change_id)
    reasons = refused.reasons[ours:]
    failed = ", ".join(f"{i}: {type(reason).__name__}" for i, reason in enumerate(reasons) if reason is not None)
    return TransactionConflictError(f"Nothing was written; refused writes {failed}", reasons=reasons)


# What a function that is run again, and looks again, can make better.
_PASSING = (VersionConflictError, ConditionFailedError, NotFoundError)


def refused_for_good(refused: ConflictError | NotFoundError) -> bool:
    """Whether running the function again is unlikely to help.

    Entities with unique values are read first; what they refuse by then is no transaction's refusal.
    """
    reasons = refused.reasons if isinstance(refused, TransactionConflictError) else [refused]
    return not any(isinstance(reason, _PASSING) for reason in reasons)


def ended(answer: object) -> None:
    """Raise DefinitionError for what a function gives back that would still have to be run."""
    if inspect.isawaitable(answer) or inspect.isgenerator(answer) or inspect.isasyncgen(answer):
        raise DefinitionError(
            "The function of a change is a plain one, or in asyncio a coroutine; it gives nothing back"
        )


def found(answer: object) -> bool | None:
    """What a probe found. Raises DefinitionError for what is no answer."""
    if answer is None or isinstance(answer, bool):
        return answer
    raise DefinitionError("The probe of a change is a plain function, or in asyncio a coroutine: True, False or None")


def chunk_record(before: ChangeRecord, chunk: Chunk) -> dict[str, Any]:
    """What a chunk changes in the record."""
    total = before.total if chunk.total is None else chunk.total
    return {"cursor": chunk.next, "chunks": before.chunks + 1, "done": before.done + chunk.done, "total": total}


def begun(change: Change, before: ChangeRecord, goal: Goal) -> dict[str, Any]:
    """What an attempt changes in the record of a change when it begins; a cursor stays where it is gone on from.

    What was made stays what it was made from, also while it is undone.
    """
    anew = before.state not in OPEN or before.goal is not goal
    return {
        "goal": goal,
        "mode": change.mode,
        "checksum": change.checksum if goal is Goal.APPLY else before.checksum,
        "attempt": before.attempt + 1,
        "error": None,
        **({"cursor": None, "chunks": 0, "done": 0, "total": None} if anew else {}),
    }


# What a person may say of a change, by where it stands; what is applied can only be rolled back.
_SAID = {
    ChangeState.APPLIED: frozenset(ChangeState) - {ChangeState.APPLIED, ChangeState.BASELINED, ChangeState.PENDING},
    ChangeState.ROLLED_BACK: frozenset(ChangeState) - {ChangeState.PENDING, ChangeState.SKIPPED},
    ChangeState.SKIPPED: frozenset(ChangeState) - {ChangeState.APPLIED, ChangeState.BASELINED},
    ChangeState.PENDING: frozenset(ChangeState) - {ChangeState.APPLIED, ChangeState.BASELINED},
}


def sayable(state: ChangeState | str, reason: str) -> ChangeState:
    """A state that a person can say a change is in. Raises InvalidInputError, also without a reason."""
    refuse_silence(reason)
    if state not in _SAID:
        raise InvalidInputError(f"What can be said of a change is {', '.join(_SAID)}, not {state!r}")
    return ChangeState(state)


def refuse_silence(reason: str) -> None:
    """Raise InvalidInputError without a reason."""
    if not reason.strip():
        raise InvalidInputError("Who decides about a change gives a reason, which is kept")


def refuse_saying(record: ChangeRecord, state: ChangeState) -> None:
    """Raise InvalidInputError for a state that nobody can say this change is in."""
    if record.state not in _SAID[state]:
        raise InvalidInputError(f"Change {record.id!r} is {record.state}; nobody can say that it is {state}")


def refuse_accepting(change: Change, record: ChangeRecord) -> None:
    """Raise InvalidInputError where there is no difference to accept."""
    if record.checksum == change.checksum:
        raise InvalidInputError(f"Change {change.id!r} is declared as it was recorded; there is nothing to accept")


def refuse_rollback(change: Change, record: ChangeRecord) -> None:
    """Raise InvalidInputError for a change that cannot be undone."""
    if change.rollback is None:
        raise InvalidInputError(f"Change {change.id!r} has no function to roll it back")
    # Of such a change, what is not committed was never done.
    bare = record.mode is not Mode.EXTERNAL and record.goal is Goal.APPLY and not record.chunks
    if record.state not in MADE and (record.state not in OPEN or bare):
        raise InvalidInputError(f"Change {change.id!r} is {record.state}; there is nothing to roll back")
