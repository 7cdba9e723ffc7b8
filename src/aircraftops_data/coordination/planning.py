"""What is to be done about each change, and why: the declared changes against what is recorded of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aircraftops_data.coordination.change import Change, Mode, Recovery
from aircraftops_data.coordination.record import MADE, OPEN, ChangeEntry, ChangeRecord, ChangeState, Goal
from aircraftops_data.errors import ChangeDriftError, ChangeStoppedError


class Action(StrEnum):
    """What is to be done about a change."""

    NOTHING = "nothing"
    RUN = "run"
    RESUME = "resume"
    """Go on from where the last chunk stopped."""
    PROBE = "probe"
    """Ask whether it was made; where not, run it."""
    STOP = "stop"
    """Nothing, and nothing after it, until a person has said what is so."""


@dataclass(frozen=True)
class Planned:
    """A change, what is to be done about it, and why."""

    change: Change
    record: ChangeRecord | None
    action: Action
    why: str

    @property
    def state(self) -> ChangeState:
        """Where the change stands."""
        return ChangeState.PENDING if self.record is None else self.record.state

    @property
    def drifted(self) -> bool:
        """Whether what was made is no longer what is declared."""
        return self.record is not None and self.record.checksum != self.change.checksum and _counts(self.record)


def _counts(record: ChangeRecord) -> bool:
    """Whether what the change was when it was recorded still matters."""
    return record.state in MADE or (record.chunks > 0 and record.state in OPEN)


def planned(changes: Iterable[Change], records: Mapping[str, ChangeRecord]) -> list[Planned]:
    """What is to be done about each change, in order."""
    return [_planned(change, records.get(change.id)) for change in changes]


def _planned(change: Change, record: ChangeRecord | None) -> Planned:
    found = Planned(change, record, *_decided(change, record))
    if found.drifted:
        what = "it was made" if record is not None and record.state in MADE else "it was made in part"
        return Planned(change, record, Action.STOP, f"{what} from other source or parameters than it has now")
    return found


def _decided(change: Change, record: ChangeRecord | None) -> tuple[Action, str]:
    if record is None:
        return Action.RUN, "new"
    match record.state:
        case ChangeState.APPLIED | ChangeState.BASELINED | ChangeState.SKIPPED:
            return Action.NOTHING, str(record.state)
        case ChangeState.PENDING:
            return Action.RUN, "to be made anew"
        case ChangeState.ROLLED_BACK:
            return Action.RUN, "it was rolled back"
        case ChangeState.MANUAL:
            return Action.STOP, "a person must say what is so"
        case _ if record.goal is Goal.ROLL_BACK:
            return Action.STOP, "its rollback did not come to an end"
        case ChangeState.STARTED if record.mode is not Mode.EXTERNAL:
            return _resumed(record, "its maker died")
        case ChangeState.FAILED if change.recovery is Recovery.RETRY:
            return _resumed(record, f"the last attempt failed ({record.error})")
        case _:
            return _recovered(change, record)


def _resumed(record: ChangeRecord, why: str) -> tuple[Action, str]:
    if record.chunks:
        return Action.RESUME, f"{why}; it goes on behind chunk {record.chunks}"
    return Action.RUN, f"{why}; nothing of it is written" if record.mode is not Mode.EXTERNAL else why


def _recovered(change: Change, record: ChangeRecord) -> tuple[Action, str]:
    """What the policy of the change says of an attempt that failed, or of which nothing is known."""
    failed = record.state is ChangeState.FAILED
    why = f"the last attempt failed ({record.error})" if failed else "nobody knows what its last attempt did"
    match change.recovery:
        case Recovery.MANUAL:
            return Action.STOP, why
        case Recovery.PROBE:
            return Action.PROBE, why
        case Recovery.RETRY:
            return Action.RUN, why


def is_lost(plan: Planned) -> bool:
    """Whether an external change was under way when its maker died, so that nobody knows what it did."""
    return plan.record is not None and plan.state is ChangeState.STARTED and plan.record.mode is Mode.EXTERNAL


def must_be_undone(plan: Planned) -> bool:
    """Whether what an external change did before it raised is to be undone first: its maker died before it could."""
    record = plan.record
    if record is None or plan.change.rollback is None or record.goal is Goal.ROLL_BACK:
        return False
    return record.state is ChangeState.FAILED and record.mode is Mode.EXTERNAL


def must_be_told(plan: Planned) -> bool:
    """Whether the change waits for a person from now on."""
    record = plan.record
    if record is None or record.goal is Goal.ROLL_BACK or plan.drifted or record.state is ChangeState.MANUAL:
        return False
    return record.state in OPEN and plan.change.recovery is Recovery.MANUAL


def stopped(plan: Planned, state: ChangeState) -> ChangeStoppedError:
    """A change at which the makers stop."""
    message = f"Change {plan.change.id!r} is {state}: {plan.why}"
    return ChangeStoppedError(message, change_id=plan.change.id, state=state)


def refuse_drift(plans: Iterable[Planned]) -> None:
    """Raise ChangeDriftError for a change that was made and is declared otherwise now."""
    for plan in plans:
        if plan.drifted:
            message = f"Change {plan.change.id!r}: {plan.why}; accept it as it is, or take the edit back"
            raise ChangeDriftError(message, change_id=plan.change.id, state=plan.state)


class Concern(StrEnum):
    """What is not as it should be between the changes declared and those recorded."""

    DRIFT = "drift"
    """A change that was made has other source or parameters now."""
    UNRESOLVED = "unresolved"
    """A change that is begun, failed or unknown."""
    PENDING = "pending"
    """A change that is yet to be made."""
    OUT_OF_ORDER = "out_of_order"
    """A change that is yet to be made, though one declared after it was."""
    UNDECLARED = "undeclared"
    """A record of a change that is not declared any more."""
    HISTORY = "history"
    """A record that says what no entry does."""


@dataclass(frozen=True, slots=True)
class ChangeFinding:
    """One thing that is not as it should be, and of which change."""

    concern: Concern
    change_id: str
    message: str


def findings(
    plans: Sequence[Planned], records: Iterable[ChangeRecord], entries: Iterable[ChangeEntry]
) -> list[ChangeFinding]:
    """What is not as it should be; nothing where all changes are made as they are declared."""
    found: list[ChangeFinding] = []
    made = [plan.change.id for plan in plans if plan.state in MADE]
    for place, plan in enumerate(plans):
        later = any(other.change.id in made for other in plans[place + 1 :])
        found += [ChangeFinding(concern, plan.change.id, plan.why) for concern in _concerns(plan, later=later)]
    declared = {plan.change.id for plan in plans}
    told = {(entry.change_id, entry.token, entry.state) for entry in entries}
    for record in records:
        if record.id not in declared:
            found.append(ChangeFinding(Concern.UNDECLARED, record.id, f"it is {record.state}, and not declared"))
        # Makers may have gone on since the record was read; what it says has its entry all the same.
        if (record.id, record.token, record.state) not in told:
            message = f"it is {record.state} under token {record.token}; no entry says so"
            found.append(ChangeFinding(Concern.HISTORY, record.id, message))
    return found


def _concerns(plan: Planned, *, later: bool) -> list[Concern]:
    if plan.drifted:
        return [Concern.DRIFT]
    if plan.state in OPEN:
        return [Concern.UNRESOLVED]
    if plan.action is not Action.RUN:
        return []
    return [Concern.PENDING, Concern.OUT_OF_ORDER] if later else [Concern.PENDING]
