"""A router in place of a real one, and a fleet to backfill from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from aircraftops_data import Aircraft, CoreTable
from aircraftops_data.streams import Change, Record
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.source import Records


@dataclass
class Taken:
    """What became of records."""

    done: int
    failed: Record | None = None
    error: Exception | None = None


@dataclass
class Taking:
    """Takes records, and notes each change it was given; some fail, and something may happen before it answers."""

    failing: set[str] = field(default_factory=set[str])
    meanwhile: Callable[[], object] | None = None
    decoder: Decoder = field(default_factory=lambda: Decoder([Aircraft]))
    changes: list[Change[Any]] = field(default_factory=list[Change[Any]])
    pages: list[int] = field(default_factory=list[int])
    _lock: Lock = field(default_factory=Lock)

    def take(self, records: Records) -> Taken:
        with self._lock:
            self.pages.append(len(records))
            for done, record in enumerate(records):
                assert isinstance(record, Change)
                if named(record) in self.failing:
                    return Taken(done, record, ValueError("failed"))
                self.changes.append(record)
        if self.meanwhile is not None:
            self.meanwhile()
        return Taken(len(records))

    @property
    def given(self) -> Counter[str]:
        """How often each aircraft was given."""
        return Counter(map(named, self.changes))


class Alone:
    """Locks of a run that no other meets."""

    @contextmanager
    def hold(self, name: str, **terms: Any) -> Iterator[Any]:
        yield self

    def check(self) -> None:
        pass


ALONE: Any = Alone()


def named(change: Change[Any]) -> str:
    """The address of an aircraft; the partition key of anything else."""
    return change.identity.get("icao24") or str(change.keys["PK"])


def address(number: int) -> str:
    return f"a{number:05x}"


def fleet(core: CoreTable, count: int) -> Counter[str]:
    """Store so many aircraft; each once, as a backfill should give them."""
    stored: Sequence[Aircraft] = [core.put(Aircraft(icao24=address(number))) for number in range(count)]
    return Counter(each.icao24 for each in stored)
