"""What type checkers see of schedules and of once: nothing here is run, `assert_type` is checked."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from datetime import timedelta
from typing import assert_type

from aircraftops_data.jobs import Job, Jobs, Schedule, Turn
from aircraftops_data.jobs.aio import AsyncJobs, AsyncTurn


def blocking(jobs: Jobs) -> None:
    def work(turn: Turn) -> int:
        turn.heartbeat()
        return turn.token

    assert_type(jobs.once("k", work, wait=timedelta(seconds=1)), int)
    assert_type(jobs.once("k", lambda turn: f"{turn.key}"), str)
    jobs.once("k", lambda: 1)  # type: ignore[misc,arg-type]
    made = jobs.schedule("n", cron="0 3 * * *", kind="k", misfire="all", queue="q", deadline=timedelta(hours=1))
    assert_type(made, Schedule)
    jobs.schedule("n", cron="0 3 * * *", kind="k", run_at=timedelta(hours=1))  # type: ignore[call-arg]
    assert_type(jobs.tick(), list[Job])
    assert_type(jobs.schedules().all(), list[Schedule])


async def asynchronous(jobs: AsyncJobs) -> None:
    async def work(turn: AsyncTurn) -> int:
        await turn.heartbeat()
        return turn.token

    assert_type(await jobs.once("k", work), int)
    assert_type(await jobs.tick(), list[Job])
