"""Schedules on every engine: each slot has one job, whoever ticks, whenever, and whatever goes wrong in between."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aircraftops_data import CoreTable, metered
from aircraftops_data.errors import (
    CorruptItemError,
    InvalidInputError,
    InvalidValueError,
    ItemTooLargeError,
    NotFoundError,
)
from aircraftops_data.jobs import Job, Jobs, Ticket
from aircraftops_data.jobs.schedules import MOST_AT_ONCE, Schedule
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock, local_session
from faults import Fault, before, lost_reply, lost_reply_then, lost_request
from forked import FORKED
from jobs_over import faulty_at, jobs_over

Connect = Callable[..., CoreTable]
START = datetime(2100, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> ManualClock:
    """Noon."""
    return ManualClock(START)


@pytest.fixture
def core(core_of_jobs: CoreTable) -> CoreTable:
    """The table of the jobs."""
    return core_of_jobs


def hourly(jobs: Jobs, **fields: Any) -> Schedule:
    """A schedule of every hour."""
    return jobs.schedule("hourly", **{"cron": "0 * * * *", "kind": "count", **fields})


def stored(core: CoreTable) -> list[str]:
    """The ids of all jobs there are; each waits, and has its ticket."""
    found = core.scan(Job).all()
    assert sorted(ticket.job_id for ticket in core.scan(Ticket)) == sorted(job.id for job in found)
    return sorted(job.id for job in found)


def ids(*hours: int) -> list[str]:
    """The ids of the jobs of these hours."""
    return [f"hourly@2100-01-01T{hour:02}:00:00Z" for hour in hours]


class TestScheduling:
    def test_a_schedule_is_read_as_it_was_written(self, jobs: Jobs) -> None:
        made = hourly(
            jobs,
            payload={"a": 1},
            timezone="Europe/Berlin",
            misfire="all",
            queue="q",
            priority="high",
            deadline=timedelta(minutes=90),
            max_attempts=3,
            unique="u",
            unique_until="start",
            limit=("l", 2),
            tags=["t"],
            on_lease_lost="hold",
        )
        assert jobs.schedules().all() == [made]
        assert (made.version, made.next_at) == (1, START + HOUR)

    def test_the_job_of_a_slot_is_as_was_asked(self, jobs: Jobs, clock: ManualClock) -> None:
        hourly(jobs, payload={"a": 1}, queue="q", priority="high", deadline=HOUR, max_attempts=3, limit=("l", 2))
        clock.advance(HOUR)
        (job,) = jobs.tick()
        assert (job.kind, job.queue, job.priority, job.max_attempts) == ("count", "q", "high", 3)
        assert (job.payload, job.deadline_at, job.state) == ('{"a":1}', START + 2 * HOUR, "available")
        assert jobs.get(job.id) == job
        claim = jobs.claim("q", worker="w")
        assert claim is not None
        assert claim.payload == {"a": 1}

    def test_a_payload_beside_its_job_goes_there_too(self, jobs: Jobs, clock: ManualClock) -> None:
        hourly(jobs, payload="x" * 5000)
        clock.advance(HOUR)
        (job,) = jobs.tick()
        assert jobs.payload(job) == "x" * 5000

    def test_asking_for_the_same_again_writes_nothing(self, core: CoreTable, jobs: Jobs) -> None:
        made = hourly(jobs)
        watched, sent = faulty_at(core, -1, lost_request)
        assert hourly(jobs_over(watched)) == made
        assert [request.operation for request in sent] == ["GetItem"]

    def test_other_wishes_leave_the_next_slot_and_other_times_do_not(self, jobs: Jobs, clock: ManualClock) -> None:
        hourly(jobs)
        clock.advance(3.5 * HOUR)
        assert hourly(jobs, payload=1).next_at == START + HOUR
        assert hourly(jobs, cron="0 */2 * * *").next_at == START + 4 * HOUR
        assert hourly(jobs, cron="0 */2 * * *", timezone="Asia/Kolkata").next_at == START + 4.5 * HOUR

    @pytest.mark.parametrize(
        "fields",
        [
            {"cron": "every hour"},
            {"timezone": "Mars/Olympus"},
            {"max_attempts": 0},
            {"queue": ""},
            {"misfire": "perhaps"},
            {"unique_until": "start"},
            {"unique": "u", "unique_until": "period"},
            {"deadline": timedelta()},
            {"limit": ("l", 0)},
            {"run_at": HOUR},
            {"payload": object()},
        ],
        ids=lambda fields: next(reversed(fields)),
    )
    def test_what_no_job_can_be_made_of_is_refused_at_once(self, jobs: Jobs, fields: dict[str, Any]) -> None:
        with pytest.raises((InvalidInputError, InvalidValueError)):
            hourly(jobs, **fields)
        assert jobs.schedules().all() == []

    def test_a_payload_no_item_holds_is_refused(self, jobs: Jobs) -> None:
        with pytest.raises(ItemTooLargeError):
            hourly(jobs, payload="x" * 500_000)

    def test_an_unscheduled_one_runs_no_more(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        made = hourly(jobs)
        assert jobs.unschedule("hourly") == made
        clock.advance(HOUR)
        assert jobs.tick() == []
        assert jobs.unschedule("hourly") is None

    def test_a_paused_one_rests_and_goes_on_from_its_next_slot(self, jobs: Jobs, clock: ManualClock) -> None:
        hourly(jobs, misfire="all")
        assert jobs.pause_schedule("hourly").paused_at == START
        clock.advance(2.5 * HOUR)
        assert jobs.tick() == []
        assert jobs.resume_schedule("hourly").next_at == START + 3 * HOUR
        clock.advance(HOUR)
        assert [job.id for job in jobs.tick()] == ids(15)

    @pytest.mark.parametrize("change", ["pause_schedule", "resume_schedule"])
    def test_one_that_is_not_there_is_not_found(self, jobs: Jobs, change: str) -> None:
        with pytest.raises(NotFoundError):
            getattr(jobs, change)("hourly")


class TestTicks:
    def test_a_slot_runs_once_it_is_due_and_once_only(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        hourly(jobs)
        assert jobs.tick() == []
        clock.advance(HOUR)
        assert [job.id for job in jobs.tick()] == ids(13)
        assert jobs.tick() == []
        (after,) = jobs.schedules().all()
        assert (after.last_at, after.next_at) == (START + HOUR, START + 2 * HOUR)
        assert after.last_job_id == ids(13)[0]
        assert stored(core) == ids(13)

    @pytest.mark.parametrize(
        ("misfire", "hours", "late"),
        [("skip", (), 0.5), ("skip", (17,), 1 / 60), ("once", (13,), 0.5), ("all", (13, 14, 15, 16, 17), 0.5)],
    )
    def test_missed_slots_run_as_was_asked(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock, misfire: Any, hours: tuple[int, ...], late: float
    ) -> None:
        hourly(jobs, misfire=misfire)
        clock.advance((5 + late) * HOUR)
        assert [job.id for job in jobs.tick()] == ids(*hours)
        assert stored(core) == ids(*hours)
        assert jobs.schedules().all()[0].next_at == START + 6 * HOUR

    @pytest.mark.slow
    def test_more_than_a_tick_takes_are_left_to_the_next(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        jobs.schedule("often", cron="* * * * *", kind="count", misfire="all")
        clock.advance(timedelta(minutes=MOST_AT_ONCE + 20))
        assert [len(jobs.tick()) for _ in range(3)] == [MOST_AT_ONCE, 20, 0]
        assert len(stored(core)) == MOST_AT_ONCE + 20

    def test_a_slot_that_meets_a_job_of_its_unique_key_passes_without_one(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        hourly(jobs, unique="u", misfire="all")
        clock.advance(3 * HOUR)
        assert [job.id for job in jobs.tick()] == ids(13)
        assert jobs.schedules().all()[0].next_at == START + 4 * HOUR
        jobs.cancel(ids(13)[0])
        clock.advance(HOUR)
        assert [job.id for job in jobs.tick()] == ids(16)

    def test_a_slot_that_has_its_job_already_passes(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        hourly(jobs)
        ahead = jobs_over(type(core)(core.runner.transport, core.context))
        clock.advance(HOUR)
        ahead.tick()
        clock.set(START, backwards=True)
        hourly(jobs, cron="0 */1 * * *")  # set back: the slot lies ahead of this clock again
        assert jobs.schedules().all()[0].next_at == START + HOUR
        clock.advance(HOUR)
        assert jobs.tick() == []
        assert jobs.schedules().all()[0].next_at == START + 2 * HOUR
        assert stored(core) == ids(13)

    def test_one_whose_item_does_not_fit_keeps_no_other_from_running(
        self, core: CoreTable, client: Any, jobs: Jobs, clock: ManualClock
    ) -> None:
        hourly(jobs)
        key = {"PK": {"S": "SCHEDULES"}, "SK": {"S": "SCHEDULE#a"}}
        item = {**key, "entity_type": {"S": "schedule"}, "name": {"S": "a"}}
        client.put_item(TableName=core.context.names[JOBS], Item=item)
        clock.advance(HOUR)
        with pytest.raises(CorruptItemError):
            jobs.tick()
        assert stored(core) == ids(13)

    def test_one_that_cannot_be_worked_out_keeps_no_other_from_running(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        hourly(jobs)
        broken = jobs.schedule("broken", cron="0 * * * *", kind="count")
        core.put(broken.model_copy(update={"timezone": "Mars/Olympus"}))
        clock.advance(HOUR)
        with pytest.raises(InvalidInputError, match="Mars"):
            jobs.tick()
        assert stored(core) == ids(13)


RACES = ["once", "all"]
# The most requests a tick of the schedule below sends: the query, and a transaction for each of three slots.
REQUESTS = 4


class TestRaces:
    @pytest.mark.parametrize("misfire", RACES)
    @pytest.mark.parametrize("place", range(REQUESTS))
    @pytest.mark.parametrize("unique", [None, "u"], ids=["free", "unique"])
    def test_another_ticks_at_any_moment(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock, place: int, misfire: Any, unique: str | None
    ) -> None:
        hourly(jobs, misfire=misfire, **({} if unique is None else {"unique": unique}))
        clock.advance(3 * HOUR)
        others: list[Job] = []
        watched, _ = faulty_at(core, place, before(lambda: others.extend(jobs.tick())))
        ours = jobs_over(watched).tick()
        every = ids(13) if misfire == "once" or unique else ids(13, 14, 15)
        assert sorted(job.id for job in [*ours, *others]) == every
        assert stored(core) == every
        assert jobs.tick() == []
        assert jobs.schedules().all()[0].next_at == START + 4 * HOUR

    @pytest.mark.parametrize("misfire", RACES)
    @pytest.mark.parametrize("place", range(REQUESTS))
    @pytest.mark.parametrize("fault", [lost_reply, lost_request], ids=["reply", "request"])
    def test_a_lost_answer_changes_nothing(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock, place: int, misfire: Any, fault: Fault
    ) -> None:
        hourly(jobs, misfire=misfire)
        clock.advance(3 * HOUR)
        watched, sent = faulty_at(core, place, fault)
        every = ids(13) if misfire == "once" else ids(13, 14, 15)
        assert [job.id for job in jobs_over(watched).tick()] == every
        assert stored(core) == every
        assert len(sent) == len(every) + 1 + (place <= len(every))

    @pytest.mark.parametrize("place", range(1, REQUESTS))
    def test_another_ticks_after_a_lost_answer(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock, place: int
    ) -> None:
        hourly(jobs, misfire="all")
        clock.advance(3 * HOUR)
        watched, _ = faulty_at(core, place, lost_reply_then(jobs.tick))
        jobs_over(watched).tick()
        assert stored(core) == ids(13, 14, 15)

    def test_a_tick_worked_out_from_other_times_does_nothing(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        hourly(jobs)
        clock.advance(HOUR)
        watched, _ = faulty_at(core, 1, before(lambda: hourly(jobs, cron="30 * * * *")))
        assert jobs_over(watched).tick() == []
        assert jobs.schedules().all()[0].next_at == START + 1.5 * HOUR
        assert stored(core) == []

    @pytest.mark.parametrize("change", ["unschedule", "pause_schedule"])
    def test_a_schedule_stopped_during_a_tick_runs_no_more(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock, change: str
    ) -> None:
        hourly(jobs)
        clock.advance(HOUR)
        watched, _ = faulty_at(core, 1, before(lambda: getattr(jobs, change)("hourly")))
        assert jobs_over(watched).tick() == []
        assert stored(core) == []

    @pytest.mark.parametrize("place", range(2))
    def test_a_change_meets_a_tick_at_any_moment(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock, place: int
    ) -> None:
        hourly(jobs)
        clock.advance(HOUR)
        watched, _ = faulty_at(core, place, before(jobs.tick))
        assert jobs_over(watched).pause_schedule("hourly").paused_at is not None
        assert jobs.schedules().all()[0].next_at == START + 2 * HOUR
        assert stored(core) == ids(13)

    @pytest.mark.parametrize("place", range(2))
    def test_two_may_make_it_at_once(self, core: CoreTable, jobs: Jobs, place: int) -> None:
        watched, _ = faulty_at(core, place, before(lambda: hourly(jobs)))
        assert hourly(jobs_over(watched)) == jobs.schedules().all()[0]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local"], indirect=True)
class TestCosts:
    def test_a_tick_with_nothing_due_costs_one_read_unit(self, jobs: Jobs) -> None:
        for number in range(8):
            jobs.schedule(f"nightly-{number}", cron="0 3 * * *", kind="registry.ingest")
        with metered() as meter:
            assert jobs.tick() == []
        assert (meter.consumed.read_units, meter.consumed.write_units, meter.consumed.requests) == (1, 0, 1)

    def test_changing_nothing_costs_a_read(self, jobs: Jobs) -> None:
        with metered() as first:
            hourly(jobs)
        with metered() as again:
            hourly(jobs)
        assert (first.consumed.read_units, first.consumed.write_units) == (1, 1)
        assert (again.consumed.read_units, again.consumed.write_units) == (1, 0)


PROCESSES = 4
PATIENCE_SECONDS = 90
_together: Any = None


def _share(barrier: Any) -> None:
    global _together  # noqa: PLW0603
    _together = barrier


def _tick_until_quiet(endpoint: str, prefix: str, now: datetime) -> list[str]:
    """What a process enqueues that ticks, together with others, until nothing is due."""
    client = local_session().client("dynamodb", endpoint_url=endpoint)
    with CoreTable.connect(client=client, prefix=prefix, clock=ManualClock(now)) as core:
        jobs, found = Jobs(core), list[str]()
        _together.wait(PATIENCE_SECONDS)
        while any(schedule.next_at <= now for schedule in jobs.schedules()):
            found += [job.id for job in jobs.tick()]
        return found


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local"], indirect=True)
def test_of_many_processes_that_tick_at_once_each_slot_has_one_job(
    core: CoreTable, jobs: Jobs, clock: ManualClock, local_endpoint: str
) -> None:
    jobs.schedule("minutes", cron="* * * * *", kind="count", misfire="all")
    jobs.schedule("alone", cron="*/2 * * * *", kind="count", misfire="all", unique="alone")
    jobs.schedule("once", cron="* * * * *", kind="count", misfire="once")
    clock.advance(timedelta(minutes=40))
    prefix = core.context.names[JOBS].removesuffix(JOBS.name)
    barrier = FORKED.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=FORKED, initializer=_share, initargs=(barrier,)) as pool:
        running = [pool.submit(_tick_until_quiet, local_endpoint, prefix, clock.now()) for _ in range(PROCESSES)]
        told = [job_id for one in as_completed(running, PATIENCE_SECONDS) for job_id in one.result()]
    minutes = [f"minutes@2100-01-01T12:{minute:02}:00Z" for minute in range(1, 41)]
    assert sorted(told) == ["alone@2100-01-01T12:02:00Z", *minutes, "once@2100-01-01T12:01:00Z"]
    assert stored(core) == sorted(told)
    assert jobs.schedules().all()[0].next_at > clock.now()
    assert jobs.dead("default", date(2100, 1, 1)).all() == []
