"""Changes on every engine: made once, in order, by one maker at a time; and what people say of those that stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from aircraftops_data import CORE, JOBS, CoreTable, Entity, PrimaryKey, Rate
from aircraftops_data.coordination import (
    Action,
    Change,
    ChangeContext,
    ChangeOptions,
    ChangeProgress,
    Changes,
    ChangeState,
    Concern,
    change,
)
from aircraftops_data.errors import (
    AlreadyExistsError,
    ChangeDriftError,
    ChangeFailedError,
    ChangeStoppedError,
    DefinitionError,
    InvalidInputError,
    LockHeldError,
    NotFoundError,
    TableMissingError,
    TransactionConflictError,
)
from aircraftops_data.testing import ManualClock
from coordination_over import changes_over, locks_over
from faults import faulty

# Transactions, of which moto takes its time.
pytestmark = pytest.mark.slow

Connect = Callable[..., CoreTable]


class Runway(Entity, table=CORE, entity_type="runway"):
    """What the changes of these tests change."""

    airport: str
    number: int
    surface: str | None = None
    made: int = 0

    primary = PrimaryKey("RUNWAYS#{airport}", "RUNWAY#{number:3}")


@change("2026-01-seed")
def seed(context: ChangeContext) -> None:
    """Ten runways."""
    for number in range(10):
        context.tx.create(Runway(airport="KSFO", number=number))


@change("2026-02-surface", mode="chunked", parameters={"surface": "asphalt"})
def surface(context: ChangeContext) -> None:
    """Three at a time."""
    page = context.core.query(Runway.primary(airport="KSFO")).page(limit=3, cursor=context.cursor)
    for runway in page.items:
        context.tx.update(runway, set={"surface": context.parameters["surface"], "made": runway.made + 1})
    context.go_on(page.cursor, done=len(page.items), total=10)


class Outside:
    """Something elsewhere, and how often it was asked for what."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.calls: list[tuple[str, str, int]] = []

    def change(self, **options: Any) -> Change:
        """An external change that calls it."""

        def call(context: ChangeContext) -> None:
            self._called("made", context)

        return Change("2026-03-outside", call, mode="external", **options)

    def undone(self, context: ChangeContext) -> None:
        """What rolls it back."""
        self._called("undone", context)

    def _called(self, what: str, context: ChangeContext) -> None:
        self.calls.append((what, context.idempotency_key, context.attempt))
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """Fresh tables."""
    return connect(CORE, JOBS, clock=clock)


@pytest.fixture
def changes(core: CoreTable) -> Changes:
    """Their changes."""
    return changes_over(core, operator="tester")


def made(core: CoreTable) -> list[tuple[str | None, int]]:
    """What the chunked change did to each runway."""
    return [(one.surface, one.made) for one in core.query(Runway.primary(airport="KSFO"))]


def steps(changes: Changes, change_id: str | None = None) -> list[str]:
    """The states changes went to, in order."""
    return [str(entry.state) for entry in changes.history() if change_id in (None, entry.change_id)]


class TestApplying:
    def test_each_is_made_once_in_order(self, core: CoreTable, changes: Changes) -> None:
        outside = Outside()
        declared = [outside.change(), surface, seed]
        assert [record.id for record in changes.apply(declared)] == [seed.id, surface.id, "2026-03-outside"]
        assert changes.apply(declared) == []
        assert made(core) == [("asphalt", 1)] * 10
        assert len(outside.calls) == 1
        assert changes.verify(declared) == []

    def test_the_history_has_every_step_with_who_took_it(self, changes: Changes, clock: ManualClock) -> None:
        changes.apply([seed, surface])
        entries = changes.history().all()
        assert [(entry.change_id, entry.before, entry.state) for entry in entries] == [
            (seed.id, "pending", "started"),
            (seed.id, "started", "applied"),
            (surface.id, "pending", "started"),
            (surface.id, "started", "applied"),
        ]
        assert {(entry.operator, entry.token, entry.attempt) for entry in entries} == {("tester", 1, 1)}
        assert [entry.duration for entry in entries] == [None, timedelta(), None, timedelta()]
        assert all(entry.host and entry.at == clock.now() for entry in entries)

    def test_a_plan_says_what_would_be_done_and_why_and_does_nothing(self, core: CoreTable, changes: Changes) -> None:
        changes.apply([seed])
        watched, transport = faulty(core)
        plans = changes_over(watched).plan([surface, seed])
        assert [(one.change.id, one.action, one.why) for one in plans] == [
            (seed.id, Action.NOTHING, "applied"),
            (surface.id, Action.RUN, "new"),
        ]
        assert transport.operations == ["Query"]

    def test_where_nothing_is_to_be_done_no_lock_is_taken(self, core: CoreTable, changes: Changes) -> None:
        changes.apply([seed])
        watched, transport = faulty(core)
        assert changes_over(watched).apply([seed]) == []
        assert transport.operations == ["Query"]

    def test_who_waited_for_another_finds_nothing_to_do(self, core: CoreTable, changes: Changes) -> None:
        watched, transport = faulty(core)

        def behind_another(request: Any, send: Any) -> Any:
            transport.always("Query", lambda request, send: send(request))
            before = send(request)
            changes.apply([seed])
            return before

        transport.plan("Query", behind_another)
        assert changes_over(watched).apply([seed]) == []

    def test_progress_is_told_chunk_by_chunk(self, changes: Changes) -> None:
        changes.apply([seed])
        told: list[ChangeProgress] = []
        changes.apply([surface], progress=told.append)
        assert [(one.done, one.total, one.chunks) for one in told] == [(3, 10, 1), (6, 10, 2), (9, 10, 3), (10, 10, 4)]

    def test_a_rate_is_kept(self, core: CoreTable, changes: Changes, clock: ManualClock) -> None:
        changes.apply([seed])
        slow = Change(surface.id, surface.function, mode="chunked", parameters=surface.parameters, rate=Rate(1))
        changes.apply([slow])
        assert sum(clock.slept) > 3
        assert made(core) == [("asphalt", 1)] * 10

    def test_another_scope_has_a_history_of_its_own(self, core: CoreTable, changes: Changes) -> None:
        changes.apply([seed])
        other = changes_over(core, options=ChangeOptions(scope="billing"))
        assert [one.action for one in other.plan([seed])] == [Action.RUN]

    def test_nothing_is_made_while_another_makes_changes(self, core: CoreTable) -> None:
        locks_over(core).acquire("changes:default", lease=timedelta(hours=1), owner="deployer-2")
        with pytest.raises(LockHeldError) as caught:
            changes_over(core, options=ChangeOptions(wait=timedelta(seconds=3))).apply([seed])
        assert caught.value.owner == "deployer-2"


class TestFailures:
    def test_an_atomic_change_that_raises_writes_nothing_and_is_made_when_it_is_mended(
        self, core: CoreTable, changes: Changes
    ) -> None:
        def broken(context: ChangeContext) -> None:
            context.tx.create(Runway(airport="KSFO", number=1))
            raise KeyError("nothing of this is kept")

        with pytest.raises(ChangeFailedError) as caught:
            changes.apply([Change("2026-01", broken)])
        assert isinstance(caught.value.__cause__, KeyError)
        assert (caught.value.change_id, caught.value.state) == ("2026-01", "failed")
        assert core.query(Runway.primary(airport="KSFO")).all() == []
        assert changes.get("2026-01").error == "KeyError"
        changes.apply([Change("2026-01", seed.function)])
        assert steps(changes) == ["started", "failed", "started", "applied"]

    def test_a_change_in_chunks_goes_on_where_it_failed(self, core: CoreTable, changes: Changes) -> None:
        changes.apply([seed])
        failing = [False, False, True, False]

        def sometimes(context: ChangeContext) -> None:
            surface.function and surface.function(context)
            if failing and failing.pop(0):
                raise ValueError("x")

        gappy = Change("gappy", sometimes, mode="chunked", parameters=surface.parameters)
        with pytest.raises(ChangeFailedError):
            changes.apply([gappy])
        assert [one.why for one in changes.plan([gappy])] == [
            "the last attempt failed (ValueError); it goes on behind chunk 2"
        ]
        changes.apply([gappy])
        assert made(core) == [("asphalt", 1)] * 10

    def test_a_chunk_whose_items_others_change_meanwhile_is_made_again(self, core: CoreTable, changes: Changes) -> None:
        changes.apply([seed])
        meddled: list[int] = []

        def meddled_with(context: ChangeContext) -> None:
            surface.function and surface.function(context)
            if len(meddled) < 2:
                meddled.append(1)
                core.update(Runway, airport="KSFO", number=1, add={"made": 10})

        changes.apply([Change("meddled", meddled_with, mode="chunked", parameters=surface.parameters)])
        assert made(core) == [("asphalt", 1), ("asphalt", 21), *[("asphalt", 1)] * 8]

    def test_what_cannot_be_written_fails_it_with_the_reasons(self, core: CoreTable, changes: Changes) -> None:
        core.create(Runway(airport="KSFO", number=4))
        with pytest.raises(ChangeFailedError) as caught:
            changes.apply([seed])
        cause = caught.value.__cause__
        assert isinstance(cause, TransactionConflictError)
        assert [type(reason) for reason in cause.reasons] == [*[type(None)] * 4, AlreadyExistsError, *[type(None)] * 5]
        assert len(core.query(Runway.primary(airport="KSFO")).all()) == 1

    def test_more_than_a_transaction_takes_fails_it(self, changes: Changes) -> None:
        def many(context: ChangeContext) -> None:
            for number in range(98):
                context.tx.create(Runway(airport="KSFO", number=number))

        with pytest.raises(ChangeFailedError) as caught:
            changes.apply([Change("many", many)])
        assert isinstance(caught.value.__cause__, InvalidInputError)

    def test_what_comes_after_a_failure_is_not_made_and_what_came_before_is_told(self, changes: Changes) -> None:
        with pytest.raises(ChangeFailedError) as caught:
            changes.apply([seed, Outside(KeyError("x")).change(order="2026-01-z"), surface])
        assert caught.value.made == (seed.id,)
        assert [str(one.state) for one in changes.records()] == ["applied", "failed"]

    def test_an_external_change_that_failed_waits_for_a_person(self, changes: Changes) -> None:
        outside = Outside(KeyError("x"))
        with pytest.raises(ChangeFailedError):
            changes.apply([outside.change()])
        with pytest.raises(ChangeStoppedError) as caught:
            changes.apply([outside.change()])
        assert caught.value.state == "manual"
        changes.resolve("2026-03-outside", "pending", reason="it never got there")
        changes.apply([outside.change()])
        assert outside.calls == [("made", "default:2026-03-outside:0", 1), ("made", "default:2026-03-outside:0", 2)]
        assert steps(changes) == ["started", "failed", "manual", "pending", "started", "applied"]

    def test_one_that_may_be_retried_is(self, changes: Changes) -> None:
        outside = Outside(KeyError("x"))
        with pytest.raises(ChangeFailedError):
            changes.apply([outside.change(recovery="retry")])
        changes.apply([outside.change(recovery="retry")])
        assert [attempt for _, _, attempt in outside.calls] == [1, 2]

    @pytest.mark.parametrize(("found", "calls"), [(True, 1), (False, 2)], ids=["made", "not-made"])
    def test_a_probe_finds_out_whether_one_was_made(self, changes: Changes, found: bool, calls: int) -> None:
        outside = Outside(KeyError("x"))
        probed = outside.change(recovery="probe")
        probed.probes(lambda context: found)
        with pytest.raises(ChangeFailedError):
            changes.apply([probed])
        changes.apply([probed])
        assert len(outside.calls) == calls
        assert changes.get(probed.id).state is ChangeState.APPLIED

    def test_a_probe_without_an_idea_leaves_it_to_a_person(self, changes: Changes) -> None:
        probed = Outside(KeyError("x")).change(recovery="probe")
        probed.probes(lambda context: None)
        with pytest.raises(ChangeFailedError):
            changes.apply([probed])
        with pytest.raises(ChangeStoppedError):
            changes.apply([probed])
        assert changes.get(probed.id).state is ChangeState.MANUAL

    def test_an_external_change_that_can_be_undone_is_when_it_fails(self, changes: Changes) -> None:
        outside = Outside(KeyError("x"))
        undoable = outside.change()
        undoable.rolls_back(outside.undone)
        with pytest.raises(ChangeFailedError) as caught:
            changes.apply([undoable])
        assert caught.value.state == "rolled_back"
        changes.apply([undoable])
        assert [(what, key) for what, key, _ in outside.calls] == [
            ("made", "default:2026-03-outside:0"),
            ("undone", "default:2026-03-outside:0:undo"),
            ("made", "default:2026-03-outside:1"),
        ]

    def test_one_whose_maker_died_before_it_was_undone_is_undone_before_it_is_made_again(
        self, changes: Changes
    ) -> None:
        outside = Outside(KeyError("x"))
        with pytest.raises(ChangeFailedError):
            changes.apply([outside.change(recovery="retry")])
        undoable = outside.change(recovery="retry")
        undoable.rolls_back(outside.undone)
        changes.apply([undoable])
        assert [what for what, _, _ in outside.calls] == ["made", "undone", "made"]

    def test_where_undoing_fails_too_a_person_must(self, changes: Changes) -> None:
        outside = Outside(KeyError("x"), ValueError("y"))
        undoable = outside.change()
        undoable.rolls_back(outside.undone)
        with pytest.raises(ChangeFailedError) as caught:
            changes.apply([undoable])
        assert caught.value.state == "manual"
        assert isinstance(caught.value.__cause__, KeyError)
        assert steps(changes) == ["started", "failed", "started", "failed", "manual"]


class TestDrift:
    def test_a_change_edited_after_it_was_made_stops_everything(self, changes: Changes) -> None:
        changes.apply([seed])
        edited = Change(seed.id, surface.function)
        with pytest.raises(ChangeDriftError):
            changes.apply([edited, surface])
        assert [str(one.id) for one in changes.records()] == [seed.id]
        assert [one.concern for one in changes.verify([edited])] == [Concern.DRIFT]

    def test_it_can_be_accepted_with_a_reason_that_is_kept(self, changes: Changes) -> None:
        changes.apply([seed])
        edited = Change(seed.id, surface.function)
        with pytest.raises(InvalidInputError):
            changes.accept(edited, reason=" ")
        changes.accept(edited, reason="only renamed a variable")
        assert changes.apply([edited]) == []
        last = changes.history().newest_first().first()
        assert last is not None
        assert (last.reason, last.checksum, last.state) == (
            "only renamed a variable",
            edited.checksum,
            ChangeState.APPLIED,
        )

    def test_there_must_be_something_to_accept(self, changes: Changes) -> None:
        changes.apply([seed])
        with pytest.raises(InvalidInputError):
            changes.accept(seed, reason="why not")

    def test_other_parameters_are_drift(self, changes: Changes) -> None:
        changes.apply([seed, surface])
        other = Change(surface.id, surface.function, mode="chunked", parameters={"surface": "grass"})
        with pytest.raises(ChangeDriftError):
            changes.apply([seed, other])


class TestPeople:
    def test_a_change_can_be_rolled_back_and_is_made_anew(self, core: CoreTable, changes: Changes) -> None:
        undoable = Change(surface.id, surface.function, mode="chunked", parameters=surface.parameters)

        @undoable.rolls_back
        def unsurface(context: ChangeContext) -> None:
            page = context.core.query(Runway.primary(airport="KSFO")).page(limit=4, cursor=context.cursor)
            for runway in page.items:
                context.tx.update(runway, set={"surface": None})
            context.go_on(page.cursor)

        changes.apply([seed, undoable])
        assert changes.roll_back(undoable, reason="grass was better").state is ChangeState.ROLLED_BACK
        assert made(core) == [(None, 1)] * 10
        changes.apply([seed, undoable])
        assert made(core) == [("asphalt", 2)] * 10
        assert steps(changes, undoable.id) == ["started", "applied", "started", "rolled_back", "started", "applied"]

    def test_nothing_is_rolled_back_that_has_no_way_or_was_not_made(self, changes: Changes) -> None:
        changes.apply([seed])
        undoable = Outside().change()
        undoable.rolls_back(lambda context: None)
        for refused in (seed, undoable):
            with pytest.raises(InvalidInputError):
                changes.roll_back(refused, reason="why not")

    def test_one_can_be_skipped(self, core: CoreTable, changes: Changes) -> None:
        changes.resolve(seed, "skipped", reason="loaded by hand")
        assert changes.apply([seed]) == []
        assert core.query(Runway.primary(airport="KSFO")).all() == []

    def test_what_was_made_before_there_was_a_history_is_baselined(self, changes: Changes) -> None:
        changes.apply([seed])
        recorded = changes.baseline([seed, surface], reason="made by hand in 2025")
        assert [(one.id, one.state) for one in recorded] == [(surface.id, ChangeState.BASELINED)]
        assert changes.apply([seed, surface]) == []

    def test_not_everything_can_be_said_of_every_change(self, changes: Changes) -> None:
        changes.apply([seed])
        for said in ("applied", "pending", "skipped", "started", "nonsense"):
            with pytest.raises(InvalidInputError):
                changes.resolve(seed.id, said, reason="why not")
        with pytest.raises(NotFoundError):
            changes.resolve("no-such", "applied", reason="why not")
        with pytest.raises(InvalidInputError):
            changes.resolve(seed.id, "rolled_back", reason="")

    def test_verifying_tells_what_is_not_as_it_should_be(self, changes: Changes) -> None:
        changes.apply([surface])
        with pytest.raises(ChangeFailedError):
            changes.apply([Outside(KeyError("x")).change()])
        found = changes.verify([seed, Outside().change()])
        assert {(one.concern, one.change_id) for one in found} == {
            (Concern.PENDING, seed.id),
            (Concern.UNRESOLVED, "2026-03-outside"),
            (Concern.UNDECLARED, surface.id),
        }


class TestTables:
    def test_the_tables_are_made_where_they_are_missing(
        self, connect: Connect, clock: ManualClock, client: Any
    ) -> None:
        core = connect(CORE, clock=clock)
        names = {"history_table": f"{core.context.names[CORE]}-h", "lock_table": f"{core.context.names[CORE]}-l"}
        own = changes_over(core, options=ChangeOptions(**names))
        assert [one.action for one in own.plan([seed])] == [Action.RUN]
        own.apply([seed])
        assert made(core) == [(None, 0)] * 10
        for name in names.values():
            assert client.describe_table(TableName=name)["Table"]["ItemCount"] > 0
            client.delete_table(TableName=name)

    def test_jobs_table_is_made_too(self, connect: Connect, clock: ManualClock, client: Any) -> None:
        core = connect(CORE, clock=clock)
        changes_over(core).apply([seed])
        assert made(core) == [(None, 0)] * 10
        client.delete_table(TableName=core.context.names[JOBS])

    def test_nothing_is_made_where_that_is_not_wanted(self, connect: Connect, clock: ManualClock) -> None:
        core = connect(CORE, clock=clock)
        with pytest.raises(TableMissingError):
            changes_over(core, options=ChangeOptions(auto_create=False)).apply([seed])


class TestDeclaring:
    def test_nothing_is_run_where_something_is_declared_wrongly(self, core: CoreTable, changes: Changes) -> None:
        wrong = [
            Change(seed.id, surface.function),
            Change("2026-09", lambda context: None, recovery="probe", mode="external"),
            Change("2026-09", surface.function, parameters={"when": object()}),
            Change("2026-09", eval("lambda context: None")),
        ]
        for one in wrong:
            with pytest.raises(DefinitionError):
                changes.apply([seed, one])
        assert core.query(Runway.primary(airport="KSFO")).all() == []

    @pytest.mark.parametrize(
        "options",
        [{"mode": "sometimes"}, {"recovery": "hope"}, {"plan": print}, {"id": ""}, {"id": "x" * 201}],
        ids=["mode", "recovery", "two-ways", "no-id", "long-id"],
    )
    def test_what_no_change_can_be_is_refused(self, options: dict[str, Any]) -> None:
        with pytest.raises(DefinitionError):
            Change(**{"id": "2026-09", "function": seed.function, **options})

    def test_a_scope_has_a_length_and_no_colon(self) -> None:
        for scope in ("", "x" * 101, "a:b"):
            with pytest.raises(InvalidInputError):
                ChangeOptions(scope=scope)
