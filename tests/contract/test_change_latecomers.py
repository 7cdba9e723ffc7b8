"""Two make or undo the same changes, one of them late: what comes late writes nothing, wherever it was held up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from change_cases import CASES, Case, assert_done_once, failure, requests_of

from aircraftops_data import CoreTable
from aircraftops_data.coordination import Change, ChangeOptions, Changes
from aircraftops_data.errors import ChangeFailedError, ConflictError, InvalidInputError, LockLostError, StoreError
from aircraftops_data.request import Request, Response
from aircraftops_data.testing import local_session
from faults import READS, Send, lost_request
from sweeping import Anew, by_name, on_dynamodb_local, swept

DELAYED = ("all three", "external, it fails and is rolled back", "chunked, undone")


@swept(CASES, "all three", "chunked, undone")
def test_who_is_late_at_any_request_writes_nothing_any_more(anew: Anew, case: Case) -> None:
    """Its own clock stands still meanwhile, so that it knows of nothing; the fence alone refuses it."""
    sent = requests_of(anew, case)
    taken = _places_of_the_lock(case, anew)
    for place in range(len(sent)):
        world, changes = case.prepared(anew)
        found: list[int] = []

        def another(request: Request, send: Send) -> Response:
            case.finish(world, changes)  # noqa: B023
            found.append(len(world.other().history().all()))  # noqa: B023
            return send(request)

        late = world.at(another, place)
        raised = failure(case, world.maker(late), changes)
        if any(start < place < release for start, release in taken):
            # Who reads that it is undone already is told so first.
            assert isinstance(raised, (LockLostError, InvalidInputError) if case.undoes else LockLostError), place
            assert [what for number, what in late.done if number >= place and what not in (*READS, "PutItem")] == []
        else:
            assert not isinstance(raised, StoreError), (place, raised)
        assert len(world.other().history().all()) == found[0], place
        assert_done_once(case, world, changes, exactly=False)


@swept({name: CASES[name] for name in DELAYED}, "all three")
def test_a_request_that_arrives_when_its_sender_has_given_up_does_no_harm(anew: Anew, case: Case) -> None:
    """It comes right after the lock was given back, or when another has done all that was left."""
    sent = requests_of(anew, case)
    for place in (place for place, what in enumerate(sent) if what not in READS):
        for at_once in (True, False):
            world, changes = case.prepared(anew)
            under_way: list[Request] = []

            def delayed(request: Request, send: Send) -> Response:
                under_way.append(request)  # noqa: B023
                return lost_request(request, send)

            failure(case, world.maker(world.at(delayed, place, 3)), changes)
            assert under_way == [under_way[0]] * 3
            if at_once:
                _arrive(world.core, under_way[0])
            case.finish(world, changes)
            history = world.other().history().all()
            if not at_once:
                _arrive(world.core, under_way[0])
            assert world.other().history().all() == history
            assert_done_once(case, world, changes, exactly=False)


def _arrive(core: CoreTable, request: Request) -> None:
    with suppress(ConflictError):
        core.runner.transport.send(request)


def _places_of_the_lock(case: Case, anew: Anew) -> list[tuple[int, int]]:
    """From which request to which the lock is held: it is taken by a transaction behind a look, released by a write."""
    world, changes = case.prepared(anew)
    transport = world.at()
    maker, held = world.maker(transport), list[tuple[int, int]]()
    obtained = maker._locks.obtained

    def watched(*given: Any) -> Any:
        lock = obtained(*given)
        start, release = len(transport.sent) - 1, lock.release

        def released() -> None:
            held.append((start, len(transport.sent)))
            release()

        lock.release = released  # type: ignore[method-assign]
        return lock

    maker._locks.obtained = watched  # type: ignore[method-assign]
    with suppress(ChangeFailedError):
        case.go(maker, changes)
    return held


TABLES: dict[str, dict[str, str]] = {
    "the table of jobs": {},
    "one of their own": {"history_table": "own", "lock_table": "own"},
    "two": {"history_table": "history", "lock_table": "locks"},
    "one for the locks": {"lock_table": "locks"},
}


@on_dynamodb_local
@pytest.mark.usefixtures("connect")
@pytest.mark.parametrize("tables", by_name(TABLES))
def test_makers_that_begin_at_once_make_the_tables_and_each_change_once(
    fresh_names: str, local_endpoint: str, tables: dict[str, str]
) -> None:
    options = ChangeOptions(**{which: fresh_names + name for which, name in tables.items()})  # type: ignore[arg-type]
    calls: list[str] = []
    change = Change("it", lambda context: calls.append("it"), source="it")

    def apply(_: int) -> list[str]:
        given: dict[str, Any] = {"endpoint_url": local_endpoint, "prefix": fresh_names, "transport": "direct"}
        with CoreTable.connect(session=local_session(), **given) as core:
            return [record.id for record in Changes(core, options=options).apply([change])]

    with ThreadPoolExecutor(5) as makers:
        assert sorted(makers.map(apply, range(5))) == [[], [], [], [], ["it"]]
    assert calls == ["it"]
