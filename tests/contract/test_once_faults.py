"""Once per key when answers get lost, results are large, and many ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from once_cases import KEEP, LEASE, LOST, Connect, Work

from aircraftops_data import CoreTable, metered
from aircraftops_data.errors import (
    InvalidInputError,
    LeaseLostError,
    ObjectStoreError,
    OnceInProgressError,
    StoreError,
)
from aircraftops_data.jobs import Jobs, Queue
from aircraftops_data.jobs.aio import AsyncJobs
from aircraftops_data.jobs.once import Once
from aircraftops_data.model.schema import JOBS
from aircraftops_data.testing import ManualClock, local_session
from blocking import waited
from faults import Fault, before, lost_reply, lost_reply_then, lost_request
from forked import FORKED
from jobs_over import faulty_at, jobs_over


@pytest.fixture
def core(core_of_jobs: CoreTable) -> CoreTable:
    """The table of the jobs."""
    return core_of_jobs


# A look, the start, the end.
REQUESTS = 3


class TestFaults:
    @pytest.mark.parametrize("place", range(REQUESTS))
    @pytest.mark.parametrize("fault", [lost_reply, lost_request], ids=["reply", "request"])
    @pytest.mark.parametrize("former", ["none", "failed"])
    def test_a_lost_answer_changes_nothing(
        self, core: CoreTable, jobs: Jobs, place: int, fault: Fault, former: str
    ) -> None:
        if former == "failed":
            with pytest.raises(ValueError, match="former"):
                jobs.once("k", Work(ValueError("former")))
        watched, sent = faulty_at(core, place, fault)
        work = Work()
        assert jobs_over(watched).once("k", work) == {"run": 1}
        assert len(sent) == REQUESTS + 1
        assert (len(work.tokens), jobs.once("k", Work())) == (1, {"run": 1})

    @pytest.mark.parametrize("fault", [lost_reply, lost_request], ids=["reply", "request"])
    def test_a_lost_answer_to_giving_it_back_changes_nothing(self, core: CoreTable, jobs: Jobs, fault: Fault) -> None:
        watched, _ = faulty_at(core, 2, fault)
        with pytest.raises(ValueError, match="no"):
            jobs_over(watched).once("k", Work(ValueError("no")))
        assert jobs.once("k", Work()) == {"run": 1}

    @pytest.mark.parametrize("place", range(2))
    def test_another_comes_first_at_any_moment(self, core: CoreTable, jobs: Jobs, place: int) -> None:
        theirs, ours = Work(), Work()
        watched, _ = faulty_at(core, place, before(lambda: jobs.once("k", theirs)))
        assert jobs_over(watched).once("k", ours) == {"run": 1}
        assert (len(theirs.tokens), len(ours.tokens)) == (1, 0)

    def test_two_that_take_over_at_once_do_not_both_run(self, core: CoreTable, jobs: Jobs, clock: ManualClock) -> None:
        core.create(Once(key="k", token=1, holder="dead", lease_until=clock.now() - LOST))
        theirs, ours = Work(), Work()
        watched, _ = faulty_at(core, 1, before(lambda: jobs.once("k", theirs)))
        assert jobs_over(watched).once("k", ours) == {"run": 1}
        assert (theirs.tokens, ours.tokens) == ([2], [])

    def test_a_heartbeat_in_the_last_moment_keeps_the_lease(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        core.create(Once(key="k", token=1, holder="slow", lease_until=clock.now() - LOST))
        beat = {"lease_until": clock.now() + LEASE}
        watched, _ = faulty_at(core, 1, before(lambda: core.update(Once, key="k", set=beat)))
        with pytest.raises(OnceInProgressError):
            jobs_over(watched).once("k", Work())

    def test_a_failure_that_expires_in_the_last_moment_is_run_anew(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        with pytest.raises(ValueError, match="no"):
            jobs.once("k", Work(ValueError("no")))
        watched, _ = faulty_at(core, 1, before(lambda: core.delete(Once, key="k")))
        assert jobs_over(watched).once("k", Work()) == {"run": 1}

    def test_the_end_happens_once_though_its_answer_is_lost_and_another_asks(self, core: CoreTable, jobs: Jobs) -> None:
        others: list[Any] = []
        watched, _ = faulty_at(core, 2, lost_reply_then(lambda: others.append(jobs.once("k", Work()))))
        assert jobs_over(watched).once("k", lambda turn: "mine") == "mine"
        assert others == ["mine"]

    def test_where_the_end_is_never_answered_the_result_is_either_there_or_run_again(
        self, core: CoreTable, jobs: Jobs, clock: ManualClock
    ) -> None:
        watched, _ = faulty_at(core, -1, lost_request)
        watched.runner.transport.always("UpdateItem", lost_request)
        with pytest.raises(StoreError):
            jobs_over(watched).once("k", Work())
        clock.advance(LOST)
        again = Work()
        assert jobs.once("k", again) == {"run": 1}
        assert again.tokens == [2]


class Drawer:
    """A bucket in memory, for either kind of jobs."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.fails = False

    def put(self, key: str, body: bytes, content_type: str) -> None:
        if self.fails:
            raise ObjectStoreError("no", bucket="b", key=key)
        self.texts[key] = body

    def get(self, key: str) -> bytes:
        return self.texts[key]


class AsyncDrawer:
    """The same for asyncio."""

    def __init__(self, drawer: Drawer) -> None:
        self._drawer = drawer

    async def put(self, key: str, body: bytes, content_type: str) -> None:
        self._drawer.put(key, body, content_type)

    async def get(self, key: str) -> bytes:
        return self._drawer.get(key)


class TestLargeResults:
    @pytest.fixture
    def drawer(self) -> Drawer:
        return Drawer()

    @pytest.fixture
    def jobs(self, core: CoreTable, engine: str, drawer: Drawer) -> Jobs:
        return jobs_over(core, objects=AsyncDrawer(drawer) if engine == "local-async" else drawer)

    @pytest.mark.parametrize("size", [250, 5_000, 390_000])
    def test_what_an_item_holds_lies_in_it(self, jobs: Jobs, drawer: Drawer, size: int) -> None:
        assert jobs.once("k", lambda turn: "x" * size) == "x" * size
        assert jobs.once("k", Work()) == "x" * size
        assert drawer.texts == {}

    def test_what_none_holds_lies_in_the_bucket(self, jobs: Jobs, drawer: Drawer) -> None:
        assert jobs.once("a/b", lambda turn: "x" * 500_000) == "x" * 500_000
        assert jobs.once("a/b", Work()) == "x" * 500_000
        assert [key.rpartition("/")[0] for key in drawer.texts] == ["once/a/b"]

    def test_a_late_one_overwrites_nothing(self, jobs: Jobs, clock: ManualClock) -> None:
        def late(turn: Any) -> str:
            clock.advance(LOST)
            jobs.once("k", lambda turn: "y" * 500_000)
            return "x" * 500_000

        with pytest.raises(LeaseLostError):
            jobs.once("k", late)
        assert jobs.once("k", Work()) == "y" * 500_000

    def test_a_small_result_after_a_large_one_is_found(self, jobs: Jobs, clock: ManualClock) -> None:
        jobs.once("k", lambda turn: "x" * 500_000)
        clock.advance(KEEP)
        assert jobs.once("k", lambda turn: "small") == "small"
        assert jobs.once("k", Work()) == "small"

    def test_a_bucket_that_fails_is_a_failure(self, jobs: Jobs, drawer: Drawer) -> None:
        drawer.fails = True
        with pytest.raises(ObjectStoreError):
            jobs.once("k", lambda turn: "x" * 500_000)
        assert jobs.once("k", Work()) == {"run": 1}

    def test_without_the_bucket_it_cannot_be_replayed(self, core: CoreTable, jobs: Jobs) -> None:
        jobs.once("k", lambda turn: "x" * 500_000)
        with pytest.raises(InvalidInputError, match="AIRCRAFTOPS_JOBS_BUCKET"):
            jobs_over(core).once("k", Work())


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "local-async"], indirect=True)
class TestCosts:
    def test_the_first_run_takes_a_read_and_two_write_units_and_a_replay_one_read(self, jobs: Jobs) -> None:
        assert self.cost(jobs, Work()) == (1, 2, 3)
        assert self.cost(jobs, Work()) == (1, 0, 1)

    def test_a_failure_costs_as_much_as_a_run(self, jobs: Jobs) -> None:
        with pytest.raises(ValueError, match="no"):
            jobs.once("k", Work(ValueError("no")))
        assert self.cost(jobs, Work()) == (1, 2, 3)

    def test_a_large_result_costs_by_the_kilobyte(self, jobs: Jobs) -> None:
        assert self.cost(jobs, lambda turn: "x" * 9_000) == (1, 1 + 10, 3)
        assert self.cost(jobs, Work()) == (3, 0, 1)

    def cost(self, jobs: Jobs, work: Any) -> tuple[float, float, int]:
        """Read units, write units, requests."""
        with metered() as meter:
            jobs.once("k", work)
        return meter.consumed.read_units, meter.consumed.write_units, meter.consumed.requests


CALLERS = 12
PROCESSES = 4
PATIENCE_SECONDS = 90
_together: Any = None


def _share(barrier: Any) -> None:
    global _together  # noqa: PLW0603
    _together = barrier


def counted(core: CoreTable) -> Callable[[Any], dict[str, int]]:
    """Work that counts its runs in the table, so that every process's are counted."""

    def work(turn: Any) -> dict[str, int]:
        return {"run": core.update(Queue, name="runs", add={"shards": 1}).shards - 1}

    return work


def _ask(endpoint: str, prefix: str) -> list[Any]:
    client = local_session().client("dynamodb", endpoint_url=endpoint)
    with CoreTable.connect(client=client, prefix=prefix) as core:
        _together.wait(PATIENCE_SECONDS)
        return [Jobs(core).once(f"k{key}", counted(core), wait=timedelta(seconds=60)) for key in range(10)]


@pytest.mark.slow
class TestManyAtOnce:
    @pytest.mark.parametrize("engine", ["local", "local-direct", "local-async"], indirect=True)
    def test_of_many_threads_one_runs_it_and_all_get_its_result(self, connect: Connect) -> None:
        core = connect(JOBS)
        core.create(Queue(name="runs"))
        jobs = jobs_over(core)
        with ThreadPoolExecutor(CALLERS) as pool:
            asked = [pool.submit(jobs.once, "k", counted(core), wait=timedelta(seconds=60)) for _ in range(CALLERS)]
            assert [one.result(PATIENCE_SECONDS) for one in asked] == [{"run": 1}] * CALLERS
        assert core.get(Queue, name="runs").shards == 2

    @pytest.mark.parametrize("engine", ["local"], indirect=True)
    def test_of_many_processes_one_runs_it_and_all_get_its_result(self, connect: Connect, local_endpoint: str) -> None:
        core = connect(JOBS)
        core.create(Queue(name="runs"))
        prefix = core.context.names[JOBS].removesuffix(JOBS.name)
        barrier = FORKED.Barrier(PROCESSES)
        with ProcessPoolExecutor(PROCESSES, mp_context=FORKED, initializer=_share, initargs=(barrier,)) as pool:
            asked = [pool.submit(_ask, local_endpoint, prefix) for _ in range(PROCESSES)]
            results = [one.result(PATIENCE_SECONDS) for one in asked]
        assert results == [[{"run": number} for number in range(1, 11)]] * PROCESSES
        assert core.get(Queue, name="runs").shards == 11

    @pytest.mark.parametrize("engine", ["local-async"], indirect=True)
    def test_a_cancelled_task_gives_its_key_back(self, core: CoreTable, jobs: Jobs) -> None:
        async def cancelled_at_work() -> None:
            begun = asyncio.Event()

            async def work(turn: Any) -> None:
                begun.set()
                await asyncio.Event().wait()

            inner: AsyncJobs = jobs._inner  # type: ignore[attr-defined]
            task = asyncio.create_task(inner.once("k", work))
            await begun.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        waited(cancelled_at_work())
        assert jobs.once("k", Work()) == {"run": 1}
