"""Several processes write the same items of a real engine: nothing lost, nothing stale, no value held twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from multiprocessing.synchronize import Barrier
from random import Random
from threading import Event
from time import monotonic
from typing import Any

import pytest
from entities import (
    SHELF,
    Badge,
    Plane,
    Shift,
    Status,
    assert_shelf_is_consistent,
    badge,
    everything,
    found_sentinels,
    of_type,
    plane,
)

from aircraftops_data import CoreTable
from aircraftops_data.clock import SystemClock
from aircraftops_data.errors import ConflictError, ContentionError, NotFoundError, VersionConflictError
from aircraftops_data.testing import local_session
from forked import FORKED

pytestmark = pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)

Connect = Callable[..., CoreTable]
PROCESSES = 3
PATIENCE_SECONDS = 60.0
_together: Barrier


@dataclass(frozen=True)
class Place:
    """Where the tables are; it can be sent to another process."""

    endpoint: str
    prefix: str

    def core(self) -> CoreTable:
        """The tables, through a client of this process's own."""
        return CoreTable.connect(session=local_session(), endpoint_url=self.endpoint, prefix=self.prefix)


def _share(barrier: Barrier) -> None:
    global _together  # noqa: PLW0603 - a barrier reaches a process only when the process starts
    _together = barrier


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Processes that wait for each other before they begin."""
    barrier = FORKED.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=FORKED, initializer=_share, initargs=(barrier,)) as pool:
        yield pool


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """The shelf, with the machine's own clock."""
    return connect(SHELF)


@pytest.fixture
def place(core: CoreTable, local_endpoint: str) -> Place:
    """Where the shelf is."""
    return Place(local_endpoint, core.context.names.prefix)


@pytest.fixture
def at_once(processes: ProcessPoolExecutor, place: Place) -> Callable[[Callable[..., Any], int], list[Any]]:
    """Runs `work(place, who, count)` in every process at once; what each returned."""

    def run(work: Callable[..., Any], count: int) -> list[Any]:
        running = [processes.submit(_begin, work, place, who, count) for who in range(PROCESSES)]
        return [future.result(PATIENCE_SECONDS) for future in running]

    return run


def _begin(work: Callable[..., Any], place: Place, who: int, count: int) -> Any:
    core = place.core()
    _together.wait(PATIENCE_SECONDS)
    return work(core, who, count)


AtOnce = Callable[[Callable[..., Any], int], list[Any]]


def until_done(write: Callable[[], Any], *passing: type[Exception]) -> Any:
    """The write, again and again while others get in between."""
    refusals: tuple[type[Exception], ...] = (ContentionError, *passing)
    while True:
        try:
            return write()
        except refusals:
            continue


def assert_consistent(core: CoreTable) -> None:
    """Keys and sentinels agree with the items."""
    assert_shelf_is_consistent(everything(core, SHELF), SystemClock().now().timestamp())


def count_hours(core: CoreTable, who: int, count: int) -> None:
    for _ in range(count):
        core.update(Plane, tail="N1", add={"hours": 1, "marks": {f"p{who}"}})


def test_no_addition_is_lost(core: CoreTable, at_once: AtOnce) -> None:
    core.create(plane("N1"))
    at_once(count_hours, 40)
    found = core.get(Plane, tail="N1")
    assert (found.hours, found.version) == (PROCESSES * 40, PROCESSES * 40 + 1)
    assert found.marks == {f"p{who}" for who in range(PROCESSES)}


def count_seats_and_end(core: CoreTable, who: int, count: int) -> None:
    for _ in range(count):
        until_done(lambda: core.update(Plane, tail="N1", add={"seats": 1}))
        until_done(lambda: core.update(Shift, name="a", add={"end": 1}))


def test_no_addition_that_is_worked_out_from_a_read_is_lost(core: CoreTable, at_once: AtOnce) -> None:
    core.create(plane("N1", seats=0))
    core.create(Shift(name="a"))
    at_once(count_seats_and_end, 12)
    one, shift = core.get(Plane, tail="N1"), core.get(Shift, name="a")
    assert (one.seats, one.version) == (PROCESSES * 12, PROCESSES * 12 + 1)
    assert (shift.end, shift.version) == (PROCESSES * 12, PROCESSES * 12 + 1)
    assert_consistent(core)


def change_components(core: CoreTable, who: int, count: int) -> None:
    random = Random(who)
    choices: dict[str, list[Any]] = {
        "operator": [None, "UAL", "DAL"],
        "typecode": [None, "B738", "A359"],
        "built": [None, date(1999, 5, 4), date(2020, 2, 2)],
        "seats": [1, 2, 3],
        "status": list(Status),
    }
    for _ in range(count):
        names = random.sample(sorted(choices), random.randint(1, 3))
        changes = {name: random.choice(choices[name]) for name in names}
        until_done(partial(core.update, Plane, tail="N1", set=changes))


def test_no_index_key_is_stale_whoever_changes_which_component(core: CoreTable, at_once: AtOnce) -> None:
    core.create(plane("N1"))
    at_once(change_components, 25)
    assert core.get(Plane, tail="N1").version == PROCESSES * 25 + 1
    assert_consistent(core)


def replace_counting(core: CoreTable, who: int, count: int) -> int:
    conflicts = 0
    done = 0
    while done < count:
        known = core.get(Plane, tail="N1", consistent=True)
        try:
            core.replace(known.model_copy(update={"hours": known.hours + 1, "operator": f"O{who}"}))
            done += 1
        except VersionConflictError:
            conflicts += 1
    return conflicts


def test_no_replacement_is_lost(core: CoreTable, at_once: AtOnce) -> None:
    core.create(plane("N1"))
    conflicts = at_once(replace_counting, 20)
    found = core.get(Plane, tail="N1")
    assert (found.hours, found.version) == (PROCESSES * 20, PROCESSES * 20 + 1)
    assert sum(conflicts) > 0
    assert_consistent(core)


def take_codes(core: CoreTable, who: int, count: int) -> list[str]:
    won: list[str] = []
    for number in range(count):
        try:
            until_done(partial(core.create, badge(f"{who}-{number}", code=f"code{number}", desk=f"{who}-{number}")))
            won.append(f"code{number}")
        except ConflictError:
            continue
    return won


def test_every_unique_value_is_won_by_exactly_one(core: CoreTable, at_once: AtOnce) -> None:
    won = at_once(take_codes, 20)
    assert sorted(code for codes in won for code in codes) == sorted(f"code{number}" for number in range(20))
    assert len(of_type(everything(core, SHELF), "badge")) == 20
    assert_consistent(core)


def swap_codes(core: CoreTable, who: int, count: int) -> None:
    for _ in range(count):
        until_done(lambda: _swap(core), ConflictError)


def _swap(core: CoreTable) -> None:
    one, two = (core.get(Badge, number=number, consistent=True) for number in "12")
    with core.transaction() as tx:
        tx.update(one, set={"code": two.code})
        tx.update(two, set={"code": one.code})


def test_values_swapped_by_all_at_once_stay_two_values(core: CoreTable, at_once: AtOnce) -> None:
    core.create(badge("1", code="a"))
    core.create(badge("2", code="b"))
    at_once(swap_codes, 5)
    one, two = core.get(Badge, number="1"), core.get(Badge, number="2")
    assert (one.version, two.version) == (PROCESSES * 5 + 1, PROCESSES * 5 + 1)
    assert (one.code, two.code) == (("a", "b") if PROCESSES * 5 % 2 == 0 else ("b", "a"))
    assert_consistent(core)


def move_away(core: CoreTable, who: int, count: int) -> list[int]:
    won: list[int] = []
    for number in range(count):
        known = core.find(Badge, number=f"start{number}", consistent=True)
        try:
            if known is not None:
                until_done(partial(core.move, known, number=f"end{number}-{who}"))
                won.append(number)
        except (ConflictError, NotFoundError):
            continue
    return won


def test_an_item_is_moved_by_exactly_one(core: CoreTable, at_once: AtOnce) -> None:
    for number in range(15):
        core.create(badge(f"start{number}"))
    won = at_once(move_away, 15)
    assert sorted(number for numbers in won for number in numbers) == list(range(15))
    assert len(of_type(everything(core, SHELF), "badge")) == 15
    assert_consistent(core)


def write_anything(core: CoreTable, who: int, count: int) -> int:
    random = Random(100 + who)
    written = 0
    for _ in range(count):
        number, code, desk = random.choice("1234"), random.choice([*"abc", None]), random.choice("xy")
        made = badge(number, code=code, desk=desk)
        writes: list[Callable[[], Any]] = [
            partial(core.create, made),
            partial(core.put, made),
            partial(core.update, Badge, number=number, set={"code": code}),
            partial(core.update, Badge, number=number, set={"desk": desk, "note": "x"}),
            partial(core.delete, Badge, number=number),
        ]
        try:
            until_done(random.choice(writes))
            written += 1
        except (ConflictError, NotFoundError):
            continue
    return written


def test_any_writes_at_once_leave_sentinels_that_fit(core: CoreTable, at_once: AtOnce) -> None:
    written = at_once(write_anything, 40)
    assert min(written) > 0
    assert_consistent(core)


def test_threads_share_one_core_table(core: CoreTable) -> None:
    core.create(plane("N1"))
    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(count_hours, core, who, 15) for who in range(4)]
        work += [threads.submit(change_components, core, who, 8) for who in range(2)]
        for future in work:
            future.result(PATIENCE_SECONDS)
    found = core.get(Plane, tail="N1")
    assert (found.hours, found.version) == (60, 60 + 16 + 1)
    assert_consistent(core)


def write_for_ever(place: Place, seed: int) -> None:
    core, random = place.core(), Random(seed)
    while True:
        number = str(random.randrange(5))
        made = badge(number, code=random.choice("abcdefgh"), desk=random.choice("pqrst"))
        try:
            core.put(made)
            core.update(Badge, number=number, set={"code": random.choice("abcdefgh")})
            with core.transaction() as tx:
                tx.delete(Badge, number=str(random.randrange(5)))
                tx.update(Plane, tail="N1", add={"hours": 1}, set={"seats": random.randrange(9)})
        except (ConflictError, NotFoundError):
            continue


def waiting_until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail when it does not for a long time."""
    deadline, pause = monotonic() + PATIENCE_SECONDS, Event()
    while not condition():
        assert monotonic() < deadline
        pause.wait(0.005)


def test_a_writer_killed_at_any_moment_leaves_nothing_half(core: CoreTable, place: Place) -> None:
    random = Random(7)
    core.create(plane("N1"))
    writers = [FORKED.Process(target=write_for_ever, args=(place, seed), daemon=True) for seed in range(5)]
    for writer in writers[:2]:
        writer.start()
    for next_one, writer in enumerate(writers, start=2):
        before = core.get(Plane, tail="N1", consistent=True).version
        enough = before + random.randint(5, 15)
        waiting_until(partial(_has_reached, core, enough))
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(PATIENCE_SECONDS)
        assert writer.exitcode == -signal.SIGKILL
        if next_one < len(writers):
            writers[next_one].start()
    _wait_for_quiet(core)
    assert found_sentinels(everything(core, SHELF))
    assert_consistent(core)


def _has_reached(core: CoreTable, version: int) -> bool:
    return core.get(Plane, tail="N1", consistent=True).version >= version


def _wait_for_quiet(core: CoreTable) -> None:
    """A request that was under way when its sender died may still arrive."""
    last = [repr(everything(core, SHELF))]

    def quiet() -> bool:
        last.append(repr(everything(core, SHELF)))
        return last[-1] == last[-2]

    waiting_until(quiet)


def test_an_expired_holders_value_is_won_by_exactly_one(core: CoreTable, at_once: AtOnce) -> None:
    past = SystemClock().now() - timedelta(days=1)
    for number in range(10):
        core.put(badge(f"old{number}", code=f"code{number}", expires_at=past))
    won = at_once(take_codes, 10)
    assert sorted(code for codes in won for code in codes) == sorted(f"code{number}" for number in range(10))
    assert_consistent(core)
