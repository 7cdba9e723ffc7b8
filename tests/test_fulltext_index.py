"""The search index in a file: what it keeps, forgets, and how threads and processes share it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data.entities.aircraft import Aircraft
from aircraftops_data.errors import StoreError
from aircraftops_data.streams.sinks import fulltext
from aircraftops_data.streams.sinks.fulltext import FullTextIndex
from aircraftops_data.testing import ManualClock
from streaming import change, history, stored

FIELDS: Any = {Aircraft: ["registration"]}
SHIP = Aircraft(icao24="a835af", registration="N628TS")


def ships(*numbers: int) -> list[Any]:
    return [
        change(None, stored(Aircraft(icao24=f"{number + 1:06x}", registration=f"N{number + 1}"))) for number in numbers
    ]


def test_what_was_written_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    with FullTextIndex(tmp_path / "search.db", fields=FIELDS) as index:
        index.write(history(SHIP))
    with FullTextIndex(tmp_path / "search.db", fields=FIELDS) as index:
        assert [hit.identity for hit in index.search("n628ts")] == [{"icao24": "a835af"}]


def test_a_removal_is_forgotten_when_told_to_and_what_comes_later_is_taken() -> None:
    clock = ManualClock()
    index = FullTextIndex(fields=FIELDS, clock=clock)
    insert, removal = history(SHIP, None)
    index.write([insert, removal, *ships(1)])
    taken_at = clock.now()
    assert index.forget(taken_at) == 0
    index.write([insert])
    assert index.get(Aircraft, icao24="a835af") is None
    assert index.forget(taken_at + timedelta(seconds=1)) == 1
    index.write([insert])
    assert index.get(Aircraft, icao24="a835af") == {"registration": "N628TS"}
    assert index.count() == 2


def test_a_batch_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = FullTextIndex(tmp_path / "search.db", fields=FIELDS)
    put = index._put
    puts: list[Any] = []

    def failing(*given: Any) -> None:
        puts.append(given)
        if len(puts) == 3:
            raise sqlite3.OperationalError("disk I/O error")
        put(*given)

    monkeypatch.setattr(index, "_put", failing)
    with pytest.raises(StoreError, match="disk I/O error"):
        index.write(ships(1, 2, 3, 4))
    assert index.count() == 0
    index.write(ships(1, 2, 3, 4))
    assert index.count() == 4


def test_threads_share_one(tmp_path: Path) -> None:
    index = FullTextIndex(tmp_path / "search.db", fields=FIELDS)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda first: index.write(ships(*range(first, first + 10))), range(0, 80, 10)))
    assert index.count() == 80
    assert len(index.search("n", limit=100)) == 80


def test_others_who_write_are_waited_for_a_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulltext, "BUSY_SECONDS", 0.05)
    first = FullTextIndex(tmp_path / "search.db", fields=FIELDS)
    other = FullTextIndex(tmp_path / "search.db", fields=FIELDS)
    first.write(ships(1))
    with first._transaction(), pytest.raises(StoreError, match="locked"):
        other.write(ships(2))
    assert other.count() == 1
    other.write(ships(2))
    assert first.count() == 2


class Beaten(sqlite3.Connection):
    """What SQLite says where two processes make a file at the same moment, and this is the slower."""

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
        if "journal_mode" in sql:
            raise sqlite3.OperationalError("database is locked")
        return super().execute(sql, *given)


def test_a_file_that_another_makes_at_the_same_moment_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Beaten))
    with FullTextIndex(tmp_path / "search.db", fields=FIELDS) as index:
        index.write(ships(1))
        assert index.count() == 1


def test_a_file_that_is_none_of_ours_is_an_error_and_not_kept_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "search.db").write_bytes(b"not a database at all" * 100)
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: opened.append(connect(*given, **more)) or opened[0])
    with pytest.raises(StoreError, match="not a database"):
        FullTextIndex(tmp_path / "search.db", fields=FIELDS)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")
    monkeypatch.undo()
    with pytest.raises(StoreError, match="unable to open"):
        FullTextIndex(tmp_path / "none" / "search.db", fields=FIELDS)


def test_one_that_is_closed_says_so() -> None:
    with FullTextIndex(fields=FIELDS) as index:
        pass
    with pytest.raises(StoreError, match="closed"):
        index.count()


WRITES = """
import sys
from test_fulltext_index import FIELDS, FullTextIndex, ships
first = int(sys.argv[2])
for number in range(first, first + 50):
    FullTextIndex(sys.argv[1], fields=FIELDS).write(ships(number, number + 25))
"""


@pytest.mark.slow
def test_processes_share_a_file_from_its_making_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITES, str(tmp_path / "search.db")]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    writers = [subprocess.Popen([*command, str(first)], env=environment) for first in (0, 50, 100)]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert FullTextIndex(tmp_path / "search.db", fields=FIELDS).count() == 175
