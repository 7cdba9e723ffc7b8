"""Work done together: each piece once, in order, and nobody waits for ever whatever becomes of who does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

import pytest

from aircraftops_data.audit.aio.groups import AsyncGroups
from aircraftops_data.audit.groups import Groups
from aircraftops_data.errors import StoreError

PATIENCE_SECONDS = 20.0


class Bad(Exception):
    """What goes wrong with a piece."""


def doubled(pieces: list[int]) -> list[int | Exception]:
    """Twice each piece; nothing below 0 has one."""
    return [2 * piece if piece >= 0 else Bad(str(piece)) for piece in pieces]


# Threads


class Gated:
    """Work that waits at a gate the first time, and keeps what it was given."""

    def __init__(self, work: Callable[[list[int]], list[int | Exception]] = doubled) -> None:
        self.seen: list[list[int]] = []
        self.begun, self.gate = Event(), Event()
        self._work = work

    def __call__(self, pieces: list[int]) -> list[int | Exception]:
        self.seen.append(pieces)
        if not self.begun.is_set():
            self.begun.set()
            assert self.gate.wait(PATIENCE_SECONDS)
        return self._work(pieces)


def waiting(groups: Groups[int, int] | AsyncGroups[int, int]) -> int:
    """How many pieces wait for their turn."""
    return len(groups._waiting)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    again, given_up = Event(), 0.0
    while not holds():
        assert given_up < PATIENCE_SECONDS
        again.wait(0.002)
        given_up += 0.002


def test_pieces_come_back_in_order_and_none_asks_for_no_work() -> None:
    work = Gated()
    work.gate.set()
    groups = Groups(work, 10)
    assert groups.do([3, 1, 2, 1]) == [6, 2, 4, 2]
    assert groups.do([]) == []
    assert work.seen == [[3, 1, 2, 1]]


def test_what_comes_meanwhile_is_done_together_and_no_more_than_fits() -> None:
    work = Gated()
    groups = Groups(work, 3)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(groups.do, [0])
        assert work.begun.wait(PATIENCE_SECONDS)
        others = [pool.submit(groups.do, [n, n + 10]) for n in range(1, 6)]
        until(lambda: waiting(groups) == 10)
        work.gate.set()
        assert first.result(PATIENCE_SECONDS) == [0]
        assert [other.result(PATIENCE_SECONDS) for other in others] == [[2 * n, 2 * n + 20] for n in range(1, 6)]
    assert [len(group) for group in work.seen] == [1, 3, 3, 3, 1]
    assert sorted(piece for group in work.seen for piece in group) == sorted([0, *range(1, 6), *range(11, 16)])


def test_a_piece_that_fails_fails_its_own_caller() -> None:
    work = Gated()
    groups = Groups(work, 10)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(groups.do, [0])
        assert work.begun.wait(PATIENCE_SECONDS)
        good, bad = pool.submit(groups.do, [1, 2]), pool.submit(groups.do, [3, -1, -2])
        until(lambda: waiting(groups) == 5)
        work.gate.set()
        assert (first.result(PATIENCE_SECONDS), good.result(PATIENCE_SECONDS)) == ([0], [2, 4])
        with pytest.raises(Bad, match="-1"):
            bad.result(PATIENCE_SECONDS)
    assert len(work.seen) == 2


@pytest.mark.parametrize("wrong", [Bad("all"), ValueError("all")])
def test_work_that_fails_fails_all_of_the_group_and_the_next_goes_on(wrong: Exception) -> None:
    outcomes = iter([wrong])

    def work(pieces: list[int]) -> list[int | Exception]:
        for error in outcomes:
            raise error
        return doubled(pieces)

    groups = Groups(work, 10)
    with pytest.raises(type(wrong)):
        groups.do([1, 2])
    assert groups.do([3]) == [6]


def test_work_that_gives_too_little_leaves_nobody_waiting() -> None:
    groups = Groups(lambda pieces: doubled(pieces)[:1], 10)
    with pytest.raises(ValueError, match="zip"):
        groups.do([1, 2])
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(groups.do, [1]).result(PATIENCE_SECONDS) == [2]


@pytest.mark.parametrize("ended", [KeyboardInterrupt, SystemExit])
def test_whoever_does_it_may_be_ended_and_the_others_hear_that_nobody_knows(ended: type[BaseException]) -> None:
    raised = list[BaseException]()
    outcomes = iter([ended()])

    def stopped(pieces: list[int]) -> list[int | Exception]:
        if len(work.seen) == 2:
            raise next(outcomes)
        return doubled(pieces)

    def leading() -> None:
        try:
            groups.do([1])
        except BaseException as error:  # noqa: BLE001 - looked at below
            raised.append(error)

    work = Gated(stopped)
    groups = Groups(work, 10)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(groups.do, [0])
        assert work.begun.wait(PATIENCE_SECONDS)
        leader = Thread(target=leading)
        leader.start()
        until(lambda: waiting(groups) == 1)
        other = pool.submit(leading)
        until(lambda: waiting(groups) == 2)
        work.gate.set()
        assert first.result(PATIENCE_SECONDS) == [0]
        leader.join(PATIENCE_SECONDS)
        other.result(PATIENCE_SECONDS)
        assert sorted(type(error).__name__ for error in raised) == sorted([ended.__name__, "StoreError"])
        assert all(error.retryable for error in raised if isinstance(error, StoreError))
        assert pool.submit(groups.do, [5]).result(PATIENCE_SECONDS) == [10]


def test_whoever_is_interrupted_while_waiting_takes_back_what_nobody_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Gated()
    work.gate.set()
    groups = Groups(work, 10)

    class Interrupted:
        def __enter__(self) -> None:
            raise KeyboardInterrupt

        def __exit__(self, *_: object) -> None:
            """Never entered."""

    with monkeypatch.context() as patched:
        patched.setattr(groups, "_turn", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            groups.do([7])
    assert groups.do([1]) == [2]
    assert work.seen == [[1]]


def test_many_threads_lose_no_piece_and_do_none_twice() -> None:
    work = Gated()
    work.gate.set()
    groups = Groups(work, 7)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: groups.do([n, n + 1000]), range(200)))
    assert results == [[2 * n, 2 * n + 2000] for n in range(200)]
    assert sorted(piece for group in work.seen for piece in group) == [*range(200), *range(1000, 1200)]
    assert max(map(len, work.seen)) <= 7


# Tasks


class AsyncGated:
    """The same for asyncio."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.under_way = 0
        self.ended: BaseException | None = None

    async def __call__(self, pieces: list[int]) -> list[int | Exception]:
        self.seen.append(pieces)
        self.begun.set()
        await self.gate.wait()
        if self.ended is not None:
            raise self.ended
        return doubled(pieces)


def run(scenario: Callable[[AsyncGated, AsyncGroups[int, int]], Coroutine[Any, Any, None]], most: int = 3) -> None:
    """A scenario, which may not take long."""

    async def whole() -> None:
        work = AsyncGated()
        await asyncio.wait_for(scenario(work, AsyncGroups(work, most)), PATIENCE_SECONDS)

    asyncio.run(whole())


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_tasks_are_grouped_as_threads_are() -> None:
    async def scenario(work: AsyncGated, groups: AsyncGroups[int, int]) -> None:
        tasks = [asyncio.create_task(groups.do([n, n + 10])) for n in range(5)]
        await work.begun.wait()
        await settled()
        work.gate.set()
        assert await asyncio.gather(*tasks) == [[2 * n, 2 * n + 20] for n in range(5)]
        assert [len(group) for group in work.seen] == [2, 3, 3, 2]
        assert await groups.do([]) == []
        assert len(work.seen) == 4

    run(scenario)


def test_a_piece_or_a_group_that_fails_fails_whose_it_is() -> None:
    async def scenario(work: AsyncGated, groups: AsyncGroups[int, int]) -> None:
        work.gate.set()
        good, bad = asyncio.create_task(groups.do([1])), asyncio.create_task(groups.do([-1, 2]))
        assert await good == [2]
        with pytest.raises(Bad):
            await bad
        work.ended = Bad("all")
        for outcome in await asyncio.gather(groups.do([1]), groups.do([2]), return_exceptions=True):
            assert isinstance(outcome, Bad)
        work.ended = None
        assert await groups.do([4]) == [8]

    run(scenario)


def test_who_is_cancelled_while_waiting_takes_back_what_nobody_has_begun() -> None:
    async def scenario(work: AsyncGated, groups: AsyncGroups[int, int]) -> None:
        first = asyncio.create_task(groups.do([0]))
        await work.begun.wait()
        gone, stays = asyncio.create_task(groups.do([1, 2])), asyncio.create_task(groups.do([3]))
        await settled()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        work.gate.set()
        assert (await first, await stays) == ([0], [6])
        assert work.seen == [[0], [3]]

    run(scenario)


def test_what_a_cancelled_task_has_begun_is_done_for_the_others() -> None:
    async def scenario(work: AsyncGated, groups: AsyncGroups[int, int]) -> None:
        waits = asyncio.create_task(groups.do([0]))
        await settled()
        leader = asyncio.create_task(groups.do([1]))
        other = asyncio.create_task(groups.do([2]))
        await settled()
        waits.cancel()
        await settled()
        assert work.seen == [[0], [1, 2]]
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        late = asyncio.create_task(groups.do([3]))
        await settled()
        # The one that waits for what is under way does not ask for more work meanwhile.
        assert work.seen[:2] == [[0], [1, 2]]
        assert all(work.seen)
        work.gate.set()
        assert (await other, await late) == ([4], [6])
        assert [piece for group in work.seen for piece in group] == [0, 1, 2, 3]

    run(scenario)


def test_no_task_waits_for_ever_for_one_that_was_ended() -> None:
    async def scenario(work: AsyncGated, groups: AsyncGroups[int, int]) -> None:
        waits = asyncio.create_task(groups.do([0]))
        await settled()
        leader, other = asyncio.create_task(groups.do([1])), asyncio.create_task(groups.do([2]))
        await settled()
        waits.cancel()
        await settled()
        assert work.seen == [[0], [1, 2]]
        for task in asyncio.all_tasks():
            if task.get_name() == "aircraftops":
                task.cancel()
        outcomes = await asyncio.gather(leader, other, return_exceptions=True)
        assert isinstance(outcomes[0], asyncio.CancelledError)
        assert isinstance(outcomes[1], asyncio.CancelledError)
        work.gate.set()
        assert await groups.do([3]) == [6]

    run(scenario, most=5)


def test_tasks_cancelled_at_any_moment_lose_no_piece_of_the_others() -> None:
    async def scenario(work: AsyncGated, groups: AsyncGroups[int, int]) -> None:
        work.gate.set()
        tasks = [asyncio.create_task(groups.do([n])) for n in range(60)]
        for step, task in enumerate(tasks[::3]):
            if step % 2:
                await asyncio.sleep(0)
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for n, outcome in enumerate(outcomes):
            assert outcome == [2 * n] or (n % 3 == 0 and isinstance(outcome, asyncio.CancelledError))
        done = [piece for group in work.seen for piece in group]
        assert len(done) == len(set(done))

    run(scenario)
