"""What is done about a change, by how it is made, what its policy says and where it stands: every case there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from aircraftops_data.coordination import Action, Change, ChangeRecord, ChangeState, Concern, Goal, Mode, Recovery
from aircraftops_data.errors import (
    AircraftOpsDataError,
    ChangeDriftError,
    ChangeFailedError,
    ChangeStoppedError,
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    TransactionConflictError,
    UniqueConflictError,
    VersionConflictError,
)
from changes_on_paper import CHUNKS, Paper, Work, recorded

S = ChangeState
MADE = {S.APPLIED, S.BASELINED}
OPEN = {S.STARTED, S.FAILED, S.UNKNOWN, S.MANUAL}
WHY = "the test says so"
BOTH = frozenset(Goal)


@dataclass(frozen=True)
class Case:
    """A change that is recorded to stand somewhere."""

    mode: Mode
    recovery: Recovery
    state: ChangeState
    goal: Goal
    chunks: int
    drifted: bool

    def work(self, **how: Any) -> Work:
        """The change as it is declared now."""
        return Work(self.mode, self.recovery, source="edited" if self.drifted else "as it is", **how)

    def record(self) -> ChangeRecord:
        """The record of it."""
        return recorded(self.state, self.goal, mode=self.mode, chunks=self.chunks)

    def paper(self) -> Paper:
        """The changes of which this is one."""
        return Paper(self.record())


def cases() -> Iterator[Case]:
    """Every case; only chunked changes have chunks, and only of external ones nobody knows what they did."""
    for mode, recovery, state, goal in product(Mode, Recovery, S, Goal):
        if state is S.UNKNOWN and mode is not Mode.EXTERNAL:
            continue
        for chunks, drifted in product((0, 1, 2) if mode is Mode.CHUNKED else (0,), (False, True)):
            yield Case(mode, recovery, state, goal, chunks, drifted)


def expected(case: Case) -> Action | type[ChangeDriftError]:
    """What is to be done, as the documentation says it."""
    matters = case.state in MADE or (case.state in OPEN and case.chunks > 0)
    if case.drifted and matters:
        return ChangeDriftError
    if case.state in MADE or case.state is S.SKIPPED:
        return Action.NOTHING
    if case.state in (S.PENDING, S.ROLLED_BACK):
        return Action.RUN
    if case.state is S.MANUAL or case.goal is Goal.ROLL_BACK:
        return Action.STOP
    again = Action.RESUME if case.chunks else Action.RUN
    if case.state is S.STARTED and case.mode is not Mode.EXTERNAL:
        return again
    return {Recovery.MANUAL: Action.STOP, Recovery.RETRY: again, Recovery.PROBE: Action.PROBE}[case.recovery]


def test_the_plan_says_what_is_to_be_done_in_every_case() -> None:
    for case in cases():
        (plan,) = case.paper().plan([case.work().change()])
        wanted = expected(case)
        assert plan.action is (Action.STOP if wanted is ChangeDriftError else wanted), case
        assert plan.drifted is (wanted is ChangeDriftError), case
        assert plan.state is case.state
        assert plan.why


def lost(case: Case) -> list[tuple[str, str]]:
    """What is entered first where the maker of an external change died."""
    died = case.state is S.STARTED and case.mode is Mode.EXTERNAL
    return [("unknown", str(case.goal))] if died else []


def begins(case: Case, goal: Goal) -> int:
    """The chunk an attempt begins at."""
    return case.chunks if case.state in OPEN and case.goal is goal else 0


def runs(case: Case, goal: Goal) -> list[str]:
    """The calls of the function of a change until it is done."""
    if case.mode is not Mode.CHUNKED:
        return [str(goal)]
    return [str(goal) if place == 0 else f"{goal} from {place}" for place in range(begins(case, goal), CHUNKS)]


MADE_NOW = [("started", "apply"), ("applied", "apply")]


@pytest.mark.parametrize("found", [True, False, None], ids=["made", "not made", "no idea"])
def test_apply_does_what_the_plan_says_in_every_case(found: bool | None) -> None:
    for case in cases():
        work, paper, wanted = case.work(found=found), case.paper(), expected(case)
        raised = _raised(lambda: paper.apply([work.change()]))  # noqa: B023
        steps, called = _applied(case, wanted, found)
        assert paper.steps() == steps, case
        assert work.called == called, case
        stops = wanted is Action.STOP or (wanted is Action.PROBE and found is None)
        assert type(raised) is (ChangeStoppedError if stops else wanted if isinstance(wanted, type) else type(None))
        if isinstance(raised, ChangeStoppedError):
            assert (raised.change_id, raised.state) == ("it", paper.known["it"].state)
        else:
            assert paper.known["it"].state in (*MADE, S.SKIPPED), case
        assert paper.turns == (wanted not in (Action.NOTHING, ChangeDriftError)), case
        _assert_chained(case.state, paper)


def _applied(case: Case, wanted: Any, found: bool | None) -> tuple[list[tuple[str, str]], list[str]]:
    """The steps of an apply in which nothing fails, and the calls."""
    goal = str(case.goal)
    if wanted in (Action.NOTHING, ChangeDriftError):
        return [], []
    if wanted is Action.STOP:
        tells = case.recovery is Recovery.MANUAL and case.state is not S.MANUAL and case.goal is Goal.APPLY
        return lost(case) + [("manual", goal)] * tells, []
    undone = case.mode is Mode.EXTERNAL and case.state is S.FAILED
    made = [("started", "roll_back"), ("rolled_back", "roll_back")] * undone + MADE_NOW
    calls = ["roll_back"] * undone + runs(case, Goal.APPLY)
    if wanted is not Action.PROBE:
        return lost(case) + made, calls
    if found is None:
        return [*lost(case), ("manual", goal)], ["probe"]
    if found:
        return [*lost(case), ("applied", goal)], ["probe"]
    return lost(case) + made, ["probe", *calls]


def _raised(call: Callable[[], object]) -> AircraftOpsDataError | None:
    try:
        call()
    except AircraftOpsDataError as error:
        return error
    return None


def _assert_chained(before: ChangeState, paper: Paper) -> None:
    """Each entry begins where the one before it ended, and the record is what the last one says."""
    for entry in paper.written:
        assert entry.before is before
        before = entry.state
    assert paper.known["it"].state is before


# When a function fails

FAILURES: dict[str, tuple[Mode, bool, frozenset[Goal], list[tuple[str, str]], ChangeState]] = {
    "atomic": (Mode.ATOMIC, True, BOTH, [("failed", "apply")], S.FAILED),
    "chunked": (Mode.CHUNKED, True, BOTH, [("failed", "apply")], S.FAILED),
    "external, without a rollback": (Mode.EXTERNAL, False, BOTH, [("failed", "apply")], S.FAILED),
    "external, rolled back": (
        Mode.EXTERNAL,
        True,
        frozenset({Goal.APPLY}),
        [("failed", "apply"), ("started", "roll_back"), ("rolled_back", "roll_back")],
        S.ROLLED_BACK,
    ),
    "external, and the rollback fails": (
        Mode.EXTERNAL,
        True,
        BOTH,
        [("failed", "apply"), ("started", "roll_back"), ("failed", "roll_back"), ("manual", "roll_back")],
        S.MANUAL,
    ),
}


@pytest.mark.parametrize(("mode", "undoes", "fails", "steps", "state"), FAILURES.values(), ids=FAILURES)
def test_a_function_that_fails_leaves_what_its_mode_says(
    mode: Mode, undoes: bool, fails: frozenset[Goal], steps: list[tuple[str, str]], state: ChangeState
) -> None:
    paper, after = Paper(), Work()
    with pytest.raises(ChangeFailedError) as failed:
        paper.apply([Work(mode, fails=fails, undoes=undoes).change(), after.change("later")])
    assert paper.steps() == [("started", "apply"), *steps]
    assert (failed.value.change_id, failed.value.state) == ("it", state)
    assert isinstance(failed.value.__cause__, ArithmeticError)
    assert paper.known["it"].state is state
    assert after.called == []
    assert "later" not in paper.known
    _assert_chained(S.PENDING, paper)


def test_a_probe_that_raises_leaves_the_change_where_it_is() -> None:
    paper = Paper(recorded(S.UNKNOWN, mode=Mode.EXTERNAL))
    with pytest.raises(ChangeFailedError, match="probe"):
        paper.apply([Work(Mode.EXTERNAL, Recovery.PROBE, found=OSError()).change()])
    assert paper.steps() == []


@pytest.mark.parametrize("found", [1, "yes", [], object()], ids=["one", "text", "a list", "an object"])
def test_a_probe_says_true_or_false_or_none_and_nothing_else(found: Any) -> None:
    work = Work(Mode.EXTERNAL, Recovery.PROBE, found=found)
    paper = Paper(recorded(S.UNKNOWN, mode=Mode.EXTERNAL))
    with pytest.raises(ChangeFailedError, match="probe") as raised:
        paper.apply([work.change()])
    assert isinstance(raised.value.__cause__, DefinitionError)
    assert work.called == ["probe"]
    assert paper.steps() == []


def _later(context: object) -> Any:
    """A coroutine, as a function of asyncio gives one."""
    made = _coroutine()
    # Nobody runs it, and nobody shall complain of that.
    made.close()
    return made


async def _coroutine() -> None: ...


def test_a_coroutine_is_no_answer_of_a_probe() -> None:
    change = Work(Mode.EXTERNAL, Recovery.PROBE).change()
    change.probes(_later)
    paper = Paper(recorded(S.UNKNOWN, mode=Mode.EXTERNAL))
    with pytest.raises(ChangeFailedError):
        paper.apply([change])
    assert paper.steps() == []


def _some(context: object) -> Any:
    yield


async def _some_later(context: object) -> Any:
    yield


@pytest.mark.parametrize("function", [_later, _some, _some_later], ids=["coroutine", "generator", "async generator"])
def test_a_function_that_would_still_have_to_be_run_has_failed(function: Any) -> None:
    paper = Paper()
    with pytest.raises(ChangeFailedError) as failed:
        paper.apply([Change("it", function)])
    assert isinstance(failed.value.__cause__, DefinitionError)
    assert paper.known["it"].state is S.FAILED


# Rolling back


def undoable(case: Case) -> bool:
    """Whether there may be something to undo: of an atomic change that failed there is nothing."""
    if case.state in MADE:
        return True
    if case.state not in OPEN:
        return False
    return case.goal is Goal.ROLL_BACK or case.mode is Mode.EXTERNAL or case.chunks > 0


def test_roll_back_undoes_what_may_be_made_in_every_case() -> None:
    for case in cases():
        work, paper = case.work(), case.paper()
        if not undoable(case):
            with pytest.raises(InvalidInputError):
                paper.roll_back(work.change(), reason=WHY)
            assert (paper.steps(), work.called) == ([], []), case
            continue
        record = paper.roll_back(work.change(), reason=WHY)
        assert paper.steps() == [("started", "roll_back"), ("rolled_back", "roll_back")], case
        assert work.called == runs(case, Goal.ROLL_BACK), case
        assert paper.known["it"] == record
        assert record.state is S.ROLLED_BACK
        assert [entry.reason for entry in paper.written] == [WHY, None]
        _assert_chained(case.state, paper)


def test_a_rollback_that_fails_keeps_what_was_made() -> None:
    """What is made is still what it was made from, whatever the source says now."""
    edited = Work(Mode.CHUNKED, fails=BOTH, source="edited").change()
    paper = Paper(recorded(S.APPLIED, mode=Mode.CHUNKED, chunks=CHUNKS))
    with pytest.raises(ChangeFailedError):
        paper.roll_back(edited, reason=WHY)
    assert paper.known["it"].checksum == Work().change().checksum
    paper.resolve("it", "applied", reason="it is as it was")
    with pytest.raises(ChangeDriftError):
        paper.apply([edited])


def test_what_is_said_to_be_applied_is_rolled_back_from_the_beginning() -> None:
    """A rollback that came halfway is over once somebody has said that all is made."""
    work, paper = Work(Mode.CHUNKED), Paper(recorded(S.FAILED, Goal.ROLL_BACK, mode=Mode.CHUNKED, chunks=2))
    paper.resolve("it", "applied", reason="made by hand")
    paper.roll_back(work.change(), reason=WHY)
    assert work.called == ["roll_back", "roll_back from 1", "roll_back from 2"]


def test_what_has_no_function_for_it_cannot_be_rolled_back() -> None:
    with pytest.raises(InvalidInputError, match="no function"):
        Paper(recorded(S.APPLIED)).roll_back(Work(undoes=False).change(), reason=WHY)


def test_nothing_is_rolled_back_of_which_nothing_is_recorded() -> None:
    with pytest.raises(InvalidInputError, match="nothing to roll back"):
        Paper().roll_back(Work().change(), reason=WHY)


# Keys by which others tell a repetition


def keys_of(*acts: Callable[[Paper, Change], object]) -> list[str]:
    """The keys an external change is given when these things are done with it, one after another."""
    work, paper = Work(Mode.EXTERNAL, Recovery.RETRY), Paper()
    change = work.change()
    for act in acts:
        act(paper, change)
    return work.keys


def _apply(paper: Paper, change: Change) -> object:
    return paper.apply([change])


def _undo(paper: Paper, change: Change) -> object:
    return paper.roll_back(change, reason=WHY)


def _die(paper: Paper, change: Change) -> object:
    """Whoever made it died when it was made and before that was recorded."""
    assert paper.former is not None
    paper.known["it"] = paper.former
    return None


def _say(state: str) -> Callable[[Paper, Change], object]:
    return lambda paper, change: paper.resolve(change, state, reason=WHY)


def test_every_attempt_has_the_same_key() -> None:
    assert len(keys := keys_of(_apply, _die, _apply, _die, _apply)) == 3
    assert len(set(keys)) == 1


def test_so_has_every_attempt_to_undo_it_and_that_is_another() -> None:
    first, *undone = keys_of(_apply, _undo, _die, _undo)
    assert len(undone) == 2
    assert len(set(undone)) == 1
    assert first not in undone


ANEW: dict[str, list[Callable[[Paper, Change], object]]] = {
    "rolled back": [_undo],
    "rolled back, and said to be pending": [_undo, _say("pending")],
    "rolled back, skipped, and said to be pending": [_undo, _say("skipped"), _say("pending")],
    "said to be rolled back": [_say("rolled_back")],
    "said to be rolled back, and to be pending": [_say("rolled_back"), _say("pending")],
}


@pytest.mark.parametrize("acts", ANEW.values(), ids=ANEW)
def test_what_was_undone_is_made_anew_under_another_key(acts: list[Callable[[Paper, Change], object]]) -> None:
    keys = keys_of(_apply, *acts, _apply)
    assert keys[0] != keys[-1]
    assert len(set(keys)) == len(keys)


def test_what_is_said_to_be_pending_and_was_never_undone_keeps_its_key() -> None:
    first, again = keys_of(_apply, _die, _say("pending"), _apply)
    assert first == again


# Chunks


def test_a_change_that_begins_anew_begins_at_the_first_chunk() -> None:
    work, paper = Work(Mode.CHUNKED), Paper(recorded(S.FAILED, mode=Mode.CHUNKED, chunks=2))
    paper.resolve("it", "pending", reason=WHY)
    paper.apply([work.change()])
    assert work.called == ["apply", "apply from 1", "apply from 2"]
    record = paper.known["it"]
    assert (record.chunks, record.done, record.total, record.cursor) == (3, 30, 30, None)


def test_progress_is_told_after_every_chunk_and_only_of_chunks() -> None:
    told: list[tuple[str, int, int | None, int]] = []
    changes = [Work().change("a"), Work(Mode.CHUNKED).change("b"), Work(Mode.EXTERNAL).change("c")]
    Paper().apply(changes, progress=lambda one: told.append((one.change_id, one.done, one.total, one.chunks)))
    assert told == [("b", 10, 30, 1), ("b", 20, 30, 2), ("b", 30, 30, 3)]


REFUSALS: dict[str, ConflictError | NotFoundError] = {
    "in the transaction": TransactionConflictError("cancelled", reasons=[None, None, None, VersionConflictError("")]),
    "before it, for its version": VersionConflictError("an entity with unique values moved on"),
    "before it, for it is gone": NotFoundError("an entity with unique values is gone"),
    "before it, for good as it seems": UniqueConflictError("a unique value is taken"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_chunk_that_met_another_writer_is_made_again_of_what_is_so_now(refusal: Any) -> None:
    work, paper = Work(Mode.CHUNKED), Paper()
    paper.refusals = [None, None, refusal]
    paper.apply([work.change()])
    assert work.called == ["apply", "apply from 1", "apply from 1", "apply from 2"]
    assert paper.known["it"].done == 30


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_change_that_is_never_taken_has_failed(refusal: Any) -> None:
    """What running it again cannot make better is tried twice, all else as often as anything is."""
    work, paper = Work(), Paper()
    tries = 2 if isinstance(refusal, UniqueConflictError) else paper.core.context.retry.attempts
    paper.refusals = [None, *[refusal] * tries]
    with pytest.raises(ChangeFailedError) as failed:
        paper.apply([work.change()])
    assert failed.value.__cause__ is refusal
    assert len(work.called) == tries
    assert paper.known["it"].state is S.FAILED


def test_a_record_that_others_wrote_stops_the_change_and_its_function_is_not_run_again() -> None:
    refusal = ChangeStoppedError("written by others", change_id="it")
    work, paper = Work(Mode.EXTERNAL), Paper()
    paper.refusals = [None, refusal]
    with pytest.raises(ChangeStoppedError, match="others"):
        paper.apply([work.change()])
    assert work.called == ["apply"]
    assert paper.known["it"].state is S.STARTED


@pytest.mark.parametrize("mode", [Mode.ATOMIC, Mode.EXTERNAL], ids=str)
def test_a_change_that_is_not_made_in_chunks_cannot_go_on(mode: Mode) -> None:
    """Else it would count as made, though there is more to do."""
    paper = Paper()
    with pytest.raises(ChangeFailedError) as failed:
        paper.apply([Change("it", lambda context: context.go_on("more"), mode=mode, source="")])
    assert isinstance(failed.value.__cause__, InvalidInputError)
    assert paper.known["it"].state is S.FAILED


def test_an_external_change_that_died_is_unknown_also_when_it_is_declared_otherwise_now() -> None:
    """What the attempt was tells what may have come of it."""
    work, paper = Work(Mode.ATOMIC, Recovery.MANUAL), Paper(recorded(S.STARTED, mode=Mode.EXTERNAL))
    with pytest.raises(ChangeStoppedError):
        paper.apply([work.change()])
    assert work.called == []
    assert paper.steps() == [("unknown", "apply"), ("manual", "apply")]


# What people say


SAYABLE = {
    S.APPLIED: {S.STARTED, S.FAILED, S.UNKNOWN, S.MANUAL, S.ROLLED_BACK, S.SKIPPED},
    S.ROLLED_BACK: set(S) - {S.PENDING, S.SKIPPED},
    S.SKIPPED: set(S) - MADE,
    S.PENDING: set(S) - MADE,
}


def test_people_can_say_what_may_be_so_in_every_case() -> None:
    for case, said in product(cases(), S):
        paper = case.paper()
        if case.state not in SAYABLE.get(said, ()):
            with pytest.raises(InvalidInputError):
                paper.resolve("it", said, reason=WHY)
            assert paper.steps() == []
            assert paper.known["it"] == case.record()
        else:
            record = paper.resolve("it", str(said), reason=WHY)
            assert paper.steps() == [(str(said), str(case.goal))]
            assert [entry.reason for entry in paper.written] == [WHY]
            assert (record.state, record.checksum) == (said, case.record().checksum)
            _assert_chained(case.state, paper)


@pytest.mark.parametrize("state", ["pending", "skipped"])
def test_a_change_of_which_nothing_is_recorded_can_be_skipped(state: str) -> None:
    paper, change = Paper(), Work().change()
    assert paper.resolve(change, state, reason=WHY).state == state
    (plan,) = paper.plan([change])
    assert plan.action is (Action.NOTHING if state == "skipped" else Action.RUN)


@pytest.mark.parametrize("state", ["applied", "rolled_back"])
def test_nobody_can_say_that_a_change_is_made_of_which_nothing_is_recorded(state: str) -> None:
    with pytest.raises(InvalidInputError):
        Paper().resolve(Work().change(), state, reason=WHY)


def test_an_id_of_which_nothing_is_recorded_is_not_found() -> None:
    with pytest.raises(NotFoundError):
        Paper().resolve("it", "skipped", reason=WHY)
    with pytest.raises(NotFoundError):
        Paper().accept(Work().change(), reason=WHY)


SAYING: dict[str, Callable[[Paper, str], object]] = {
    "resolve": lambda paper, why: paper.resolve("it", "rolled_back", reason=why),
    "accept": lambda paper, why: paper.accept(Work(source="edited").change(), reason=why),
    "roll_back": lambda paper, why: paper.roll_back(Work().change(), reason=why),
    "baseline": lambda paper, why: paper.baseline([Work().change("other")], reason=why),
}


@pytest.mark.parametrize("say", SAYING.values(), ids=SAYING)
@pytest.mark.parametrize("reason", ["", " \n"], ids=["empty", "blank"])
def test_who_decides_gives_a_reason(say: Callable[[Paper, str], object], reason: str) -> None:
    paper = Paper(recorded(S.APPLIED))
    with pytest.raises(InvalidInputError, match="reason"):
        say(paper, reason)
    assert (paper.steps(), paper.turns) == ([], 0)
    say(paper, WHY)
    assert paper.written[0].reason == WHY


def test_an_accepted_change_is_what_was_made_in_every_case() -> None:
    for case in cases():
        paper, change = case.paper(), case.work().change()
        if not case.drifted:
            with pytest.raises(InvalidInputError, match="nothing to accept"):
                paper.accept(change, reason=WHY)
            assert paper.steps() == []
            continue
        record = paper.accept(change, reason=WHY)
        assert paper.steps() == [(str(case.state), str(case.goal))]
        assert record.model_copy(update={"checksum": case.record().checksum}).model_dump(
            exclude={"version", "created_at", "updated_at"}
        ) == case.record().model_dump(exclude={"version", "created_at", "updated_at"})
        (plan,) = paper.plan([change])
        assert not plan.drifted
        assert record.checksum == change.checksum


def test_only_what_is_not_recorded_is_baselined() -> None:
    for case in cases():
        paper, fresh = case.paper(), Work().change("fresh")
        (made,) = paper.baseline([case.work().change(), fresh], reason=WHY)
        assert (made.id, made.state, made.checksum) == ("fresh", S.BASELINED, fresh.checksum)
        assert paper.known["it"] == case.record()
        assert [(entry.change_id, entry.before, entry.reason) for entry in paper.written] == [("fresh", S.PENDING, WHY)]


# Order


def test_changes_are_made_in_order_and_none_behind_one_that_stops() -> None:
    calls: list[str] = []
    changes = [
        Change(id, lambda context, id=id: calls.append(id), order=order, source="")  # type: ignore[misc]
        for id, order in [("d", None), ("a", "c"), ("b", None), ("c", "a")]
    ]
    paper = Paper(recorded(S.MANUAL, id="d", checksum=changes[0].checksum))
    with pytest.raises(ChangeStoppedError):
        paper.apply([*changes, Change("e", lambda context: calls.append("e"), source="")])
    assert calls == ["c", "b", "a"]


def test_drift_of_any_change_stops_all() -> None:
    first, edited = Work(), Work(source="edited")
    paper = Paper(recorded(S.APPLIED, id="z"))
    with pytest.raises(ChangeDriftError) as drift:
        paper.apply([first.change("a"), edited.change("z")])
    assert drift.value.change_id == "z"
    assert (first.called, paper.turns) == ([], 0)


def test_what_is_declared_wrongly_is_refused_before_anything_is_done() -> None:
    one = Work().change()
    with pytest.raises(DefinitionError, match="one id"):
        Paper().apply([one, Work().change()])
    without = Change("it", lambda context: None, recovery="probe")
    with pytest.raises(DefinitionError, match="probe"):
        Paper().apply([without])
    for declared in ({"mode": "some"}, {"recovery": "some"}, {"id": ""}, {"id": "x" * 201}, {"function": None}):
        with pytest.raises(DefinitionError):
            Change(**{"id": "it", "function": lambda context: None, **declared})  # type: ignore[arg-type]
    with pytest.raises(DefinitionError):
        Paper().apply("no.such.package")


# What is not as it should be


def concerns(case: Case) -> set[Concern]:
    """What is wrong with a change by itself."""
    wanted = expected(case)
    if wanted is ChangeDriftError:
        return {Concern.DRIFT}
    if case.state in OPEN:
        return {Concern.UNRESOLVED}
    return {Concern.PENDING} if wanted is Action.RUN else set()


def test_verify_finds_what_is_wrong_in_every_case() -> None:
    for case in cases():
        paper, change = case.paper(), case.work().change()
        later = recorded(S.APPLIED, id="later")
        paper.known["later"] = later
        paper.history = lambda: _Entries([])  # type: ignore[method-assign,assignment,return-value]
        found = [(one.concern, one.change_id) for one in paper.verify([change, Work().change("later")])]
        wanted = [(concern, "it") for concern in concerns(case)]
        if Concern.PENDING in concerns(case):
            wanted.append((Concern.OUT_OF_ORDER, "it"))
        wanted += [(Concern.HISTORY, "it"), (Concern.HISTORY, "later")]
        assert sorted(found) == sorted(wanted), case


def test_verify_finds_records_that_nobody_declares_and_is_content_with_the_rest() -> None:
    paper = Paper()
    paper.apply([Work().change("a"), Work(Mode.CHUNKED).change("b")])
    paper.history = lambda: _Entries(paper.written)  # type: ignore[method-assign,assignment,return-value]
    assert paper.verify([Work().change("a"), Work(Mode.CHUNKED).change("b")]) == []
    (found,) = paper.verify([Work().change("a")])
    assert (found.concern, found.change_id) == (Concern.UNDECLARED, "b")


class _Entries:
    """A history that is read as a query is."""

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> Any:
        raise NotImplementedError

    def all(self) -> list[Any]:
        """All of them."""
        return self._entries
