"""The commands about locks: what they show, whether a holder lives, and taking a lock away from one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from aircraftops_data import JOBS, AircraftOps
from aircraftops_data.cli import locks as lock_commands
from aircraftops_data.cli.output import exit_code
from aircraftops_data.coordination import Lock
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.errors import LockLostError
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import ManualClock
from commanding import examples, invoked, printed, refused, words

LEASE = timedelta(seconds=30)


class Lively(ManualClock):
    """A clock during whose waits something happens, when there is something to do."""

    during: Callable[[], object] | None = None

    def sleep(self, seconds: float) -> None:
        """Wait, and let it happen."""
        super().sleep(seconds)
        if self.during is not None:
            self.during()


@pytest.fixture
def clock() -> Lively:
    return Lively()


@pytest.fixture
def ops(session: boto3.Session, clock: Lively, monkeypatch: pytest.MonkeyPatch) -> Iterator[AircraftOps]:
    """What every command is connected to: a table in moto, and a clock that stands still."""
    from moto import mock_aws

    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    with mock_aws():
        made = AircraftOps.connect(client=session.client("dynamodb"), clock=clock)
        made.core.runner.run(create_tables((JOBS,), made.core.context, TableOptions()))
        monkeypatch.setattr(lock_commands, "connected", lambda endpoint_url, prefix: made)
        yield made


def taken(ops: AircraftOps, name: str = "reindex", lease: timedelta = LEASE) -> Lock:
    return ops.locks.acquire(name, lease=lease, owner="web-1-4711")


def watched(*arguments: str) -> Any:
    return printed("locks", "show", "reindex", "--watch", *arguments)["watched"]


# Looking


def test_without_locks_there_is_nothing_to_list(ops: AircraftOps) -> None:
    assert printed("locks", "list") == []
    assert invoked("locks", "list").stdout == "none\n"


def test_locks_are_listed_with_their_holders(ops: AircraftOps, clock: Lively) -> None:
    taken(ops, "b").release()
    taken(ops, "c")
    clock.advance(90)
    free, held = printed("locks", "list")
    assert (free["name"], free["state"], free["owner"], free["token"]) == ("b", "free", None, 1)
    assert held == {
        "name": "c",
        "state": "held",
        "owner": "web-1-4711",
        "token": 1,
        "lease_seconds": 30.0,
        "acquired_at": "2100-01-01T00:00:00.000000Z",
    }
    assert [lock["name"] for lock in printed("locks", "list", "--held")] == ["c"]
    said = invoked("locks", "list").stdout
    assert re.search(r"│ c +│ held +│ web-1-4711 +│ 1 +│ 30 seconds +│ 1 minute 30 seconds ago │", said)
    assert re.search(r"│ b +│ free +│ +│ 1 +│ 30 seconds +│ +│", said)


def test_a_lock_is_shown_with_the_beat_of_its_holder(ops: AircraftOps) -> None:
    lock = taken(ops)
    lock.heartbeat()
    shown = printed("locks", "show", "reindex")
    assert (shown["state"], shown["token"], shown["beat"]) == ("held", 1, 1)
    assert "watched" not in shown
    said = invoked("locks", "show", "reindex").stdout
    assert re.search(r"^owner +web-1-4711$", said, re.MULTILINE)
    assert re.search(r"^since +now$", said, re.MULTILINE)


# Watching


def test_a_beat_that_moves_tells_of_life_at_once(ops: AircraftOps, clock: Lively) -> None:
    lock = taken(ops)
    clock.during = lambda: lock.heartbeat() if len(clock.slept) == 3 else None
    assert watched("60") == {"found": "alive", "seconds": 3.0}


def test_another_holder_is_a_sign_of_life(ops: AircraftOps, clock: Lively) -> None:
    lock = taken(ops)
    clock.during = lambda: (lock.release(), taken(ops))
    shown = printed("locks", "show", "reindex", "--watch", "60")
    assert shown["watched"] == {"found": "alive", "seconds": 1.0}
    assert shown["token"] == 2


def test_a_beat_that_stands_still_is_watched_for_the_lease_at_most(ops: AircraftOps, clock: Lively) -> None:
    taken(ops)
    assert watched("60") == {"found": "standing still", "seconds": 30.0}
    said = invoked("locks", "show", "reindex", "--watch", "60").stdout
    assert "standing still for 30 seconds, its whole lease: who waits for it gets it" in said


def test_a_shorter_look_says_that_it_is_no_whole_lease(ops: AircraftOps) -> None:
    taken(ops)
    assert watched("5") == {"found": "standing still", "seconds": 5.0}
    assert "standing still for 5 seconds of its lease\n" in invoked("locks", "show", "reindex", "--watch", "5").stdout


def test_a_lease_of_no_whole_seconds_is_watched_to_its_end(ops: AircraftOps) -> None:
    taken(ops, lease=timedelta(seconds=1.5))
    assert watched("60") == {"found": "standing still", "seconds": 1.5}


def test_a_lock_that_is_given_back_meanwhile_is_free(ops: AircraftOps, clock: Lively) -> None:
    clock.during = taken(ops).release
    assert watched("60") == {"found": "free", "seconds": 1.0}
    assert watched("60") == {"found": "free", "seconds": 0.0}
    assert re.search(r"^watched +free$", invoked("locks", "show", "reindex", "--watch", "1").stdout, re.MULTILINE)


# Releasing


def test_a_lock_is_taken_away_under_the_token_seen(ops: AircraftOps) -> None:
    lock = taken(ops)
    done = printed("locks", "release", "reindex", "--token", "1")
    assert (done["state"], done["token"], done["taken_from"], done["under_token"]) == ("free", 2, "web-1-4711", 1)
    with pytest.raises(LockLostError):
        lock.heartbeat()


def test_under_another_token_nothing_is_done(ops: AircraftOps) -> None:
    lock = taken(ops)
    for token in ("2", "99"):
        error = refused("locks", "release", "reindex", "--token", token)
        assert (exit_code(error), error.message) == (4, f"Lock 'reindex' is no longer held under token {token}")
    lock.heartbeat()


def test_a_free_lock_is_not_released_again(ops: AircraftOps) -> None:
    taken(ops).release()
    assert exit_code(refused("locks", "release", "reindex", "--token", "1")) == 4


@pytest.mark.parametrize("command", ["show", "show --watch 5", "release --token 1"])
def test_a_lock_that_never_was_is_named_and_exits_with_3(ops: AircraftOps, command: str) -> None:
    verb, *options = command.split()
    error = refused("locks", verb, "nobody", *options)
    assert (exit_code(error), error.message) == (3, "There is no lock 'nobody'")


@pytest.mark.parametrize(
    "arguments",
    [
        "show",
        "show reindex --watch 0",
        "show reindex --watch soon",
        "release reindex",
        "release reindex --token 0",
        "release reindex --token x",
    ],
)
def test_a_command_that_is_written_wrongly_exits_with_2(arguments: str) -> None:
    invoked("locks", *arguments.split(), code=2)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_that_no_lock_has_exits_with_2(ops: AircraftOps, name: str) -> None:
    assert exit_code(refused("locks", "show", name)) == 2


# Together


def test_the_commands_of_the_page_print_what_it_says(ops: AircraftOps, clock: Lively) -> None:
    taken(ops, "import:faa").release()
    for _ in range(2):
        taken(ops).release()
    taken(ops)
    for command, expected in examples("Locks"):
        assert words(invoked(*command).stdout) == words(expected)
    assert ops.locks.get("reindex").state == "free"


@pytest.mark.slow
def test_the_commands_reach_an_engine_by_its_endpoint_and_prefix(local_endpoint: str, fresh_names: str) -> None:
    from aircraftops_data.testing import local_session

    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    invoked("tables", "create", *where)
    ops = AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names)
    with ops.locks.hold("reindex", lease=timedelta(seconds=3)):
        assert [lock["token"] for lock in printed("locks", "list", "--held", *where)] == [1]
        shown = printed("locks", "show", "reindex", "--watch", "3", *where)
        assert shown["watched"]["found"] == "alive"
    ops.locks.acquire("reindex", lease=timedelta(seconds=1))
    shown = printed("locks", "show", "reindex", "--watch", "3", *where)
    assert shown["watched"]["found"] == "standing still"
    assert printed("locks", "release", "reindex", "--token", str(shown["token"]), *where)["state"] == "free"
