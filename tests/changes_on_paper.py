"""Changes whose records are kept in a dictionary, under a lock that is always to be had: what they do, and no I/O."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aircraftops_data import CoreTable
from aircraftops_data.coordination import (
    Change,
    ChangeContext,
    ChangeEntry,
    ChangeRecord,
    Changes,
    ChangeState,
    Goal,
    Mode,
    Recovery,
)
from aircraftops_data.coordination.fencing import Fence
from aircraftops_data.coordination.stepping import Steps
from aircraftops_data.core.context import Context, TableNames
from aircraftops_data.core.intents import stamped
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.request import Plan
from memory import Memory
from playing import context as still

CHUNKS = 3


class PaperLock:
    """It is always held."""

    token = 1

    def check(self) -> None:
        """Nothing is wrong."""


class PaperSteps(Steps):
    """Steps that are written down, in a dictionary and a list."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(paper._maker, TableNames(), Fence("paper", 1), 1)
        self._paper = paper

    def _commit(
        self,
        before: ChangeRecord,
        after: ChangeRecord,
        context: Context,
        entries: Sequence[Intent[Any]],
        beside: Sequence[Intent[Any]],
    ) -> Plan[ChangeRecord]:
        yield from ()
        refusal = self._paper.refusals.pop(0) if self._paper.refusals else None
        if refusal is not None:
            raise refusal
        written = stamped(after, before.version + 1, context.clock.now(), before.created_at)
        self._paper.known[after.id] = written
        self._paper.former = before
        self._paper.written += [entry.entity for entry in entries]  # type: ignore[attr-defined]
        return written


class Paper(Changes):
    """Changes on paper; `known` is what is recorded, `written` the entries that were added."""

    def __init__(self, *records: ChangeRecord) -> None:
        super().__init__(CoreTable(Memory(), still()))
        self.known = {record.id: record for record in records}
        self.written: list[ChangeEntry] = []
        self.turns = 0
        self.former: ChangeRecord | None = None
        """What the last commit found."""
        self.refusals: list[AircraftOpsDataError | None] = []
        """What the next commits are refused with."""

    def _known(self) -> dict[str, ChangeRecord]:
        return dict(self.known)

    @contextmanager
    def _turn(self) -> Generator[tuple[Any, Steps]]:
        self.turns += 1
        yield PaperLock(), PaperSteps(self)

    def steps(self) -> list[tuple[str, str]]:
        """What was entered: the states, each with the goal of the attempt."""
        return [(str(entry.state), str(entry.goal)) for entry in self.written]


@dataclass
class Work:
    """A change, and what became of its functions."""

    mode: Mode = Mode.ATOMIC
    recovery: Recovery | None = None
    fails: frozenset[Goal] = frozenset()
    undoes: bool = True
    """Whether it has a function to roll it back."""
    found: bool | Exception | None = None
    """What its probe finds."""
    source: str = "as it is"
    called: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])

    def change(self, id: str = "it") -> Change:
        """The change."""
        made = Change(id, self._apply, mode=self.mode, recovery=self.recovery, source=self.source)
        made.probes(self._probe)
        if self.undoes:
            made.rolls_back(self._roll_back)
        return made

    def _apply(self, context: ChangeContext) -> None:
        self._run(context, Goal.APPLY)

    def _roll_back(self, context: ChangeContext) -> None:
        self._run(context, Goal.ROLL_BACK)

    def _probe(self, context: ChangeContext) -> bool | None:
        self.called.append("probe")
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def _run(self, context: ChangeContext, goal: Goal) -> None:
        self.keys.append(context.idempotency_key)
        self.called.append(str(goal) if context.cursor is None else f"{goal} from {context.cursor}")
        if goal in self.fails:
            raise ArithmeticError("this was to fail")
        if self.mode is Mode.CHUNKED:
            place = 1 + int(context.cursor or 0)
            context.go_on(None if place == CHUNKS else str(place), done=10, total=10 * CHUNKS)


def recorded(
    state: ChangeState,
    goal: Goal = Goal.APPLY,
    *,
    mode: Mode = Mode.ATOMIC,
    chunks: int = 0,
    change: Change | None = None,
    **fields: Any,
) -> ChangeRecord:
    """The record of a change as some attempt left it."""
    given: Mapping[str, Any] = {
        "scope": "default",
        "id": "it",
        "checksum": Work().change().checksum if change is None else change.checksum,
        "attempt": 1,
        "token": 1,
        "cursor": str(chunks) if chunks else None,
        "done": 10 * chunks,
        "version": 1,
    }
    return ChangeRecord(**{**given, "state": state, "goal": goal, "mode": mode, "chunks": chunks, **fields})
