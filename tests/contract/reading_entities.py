"""Throwaway entities for the contract tests of reads, factories for them, and transports that watch or disturb."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from threading import Lock
from typing import Any

from hypothesis import settings
from pydantic import BaseModel, Field

from aircraftops_data import GSI1, GSI2, CoreTable, Entity, Index, PrimaryKey, Table, upgrader
from aircraftops_data.clock import Chance
from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.request import Request, Response, Transport

# An example of a test on an engine takes several requests, so there are half as many as of others.
half_as_many = settings(max_examples=settings().max_examples // 2)

# DynamoDB Local deletes what has expired by the machine's clock; nothing has by a clock that starts here.
AHEAD = datetime(2100, 1, 1, tzinfo=UTC)

LOGBOOK = Table("Logbook", indexes=(GSI1, GSI2), ttl_attribute="delete_at")
SHELF = Table("PartShelf", ttl_attribute="delete_at")
ARCHIVE = Table("Archive", ttl_attribute="delete_at")


class Entry(Entity, table=LOGBOOK, entity_type="entry"):
    """A line of a logbook: text, number and date as sort components, and an index shared with remarks."""

    book: str
    kind: str
    title: str
    number: int = 0
    day: date = date(2025, 1, 1)
    station: str | None = None
    load: str = ""

    primary = PrimaryKey("BOOK#{book}", "ENTRY#{kind}#{title}")
    by_station = Index(GSI1, "STATION#{station}", "ENTRY#{number:6}#{title}")
    by_day = Index(GSI2, "DAYS_OF#{book}", "ON#{day}#{number:6}#{title}")


class Remark(Entity, table=LOGBOOK, entity_type="remark"):
    """Another entity in the same partitions and in the same index."""

    book: str
    at: datetime
    station: str | None = None
    text: str = ""

    primary = PrimaryKey("BOOK#{book}", "REMARK#{at}")
    by_station = Index(GSI1, "STATION#{station}", "REMARK#{at}")
    by_book = Index(GSI2, "DAYS_OF#{book}", "REMARK#{at}")


class Cover(Entity, table=LOGBOOK, entity_type="cover"):
    """Before the entries in every partition they are in, as remarks are behind them."""

    book: str
    station: str | None = None

    primary = PrimaryKey("BOOK#{book}", "COVER")
    by_station = Index(GSI1, "STATION#{station}", "COVER#{book}")
    by_book = Index(GSI2, "DAYS_OF#{book}", "COVER")


class State(StrEnum):
    """How far gone a part is."""

    NEW = "NEW"
    USED = "USED"
    SCRAPPED = "SCRAPPED"


class Place(BaseModel):
    """Where a part lies; `level` is a number inside a map."""

    rack: str
    level: int = 0


class Part(Entity, table=SHELF, entity_type="part"):
    """A field of every kind, to filter by."""

    shelf: str
    serial: str
    mass: Decimal | None = None
    cycles: int = 0
    serviceable: bool = True
    state: State = State.NEW
    received_at: datetime | None = None
    inspected_on: date | None = None
    labels: set[str] = Field(default_factory=set[str])
    sizes: set[int] = Field(default_factory=set[int])
    notes: list[str] = Field(default_factory=list[str])
    place: Place | None = None
    remark: str | None = None

    primary = PrimaryKey("SHELF#{shelf}", "PART#{serial}")


def from_1(values: dict[str, Any]) -> dict[str, Any]:
    """The first schema of a memo called its text `body`."""
    return {**values, "text": values.pop("body")}


def from_2(values: dict[str, Any]) -> dict[str, Any]:
    """The second had no `pages`."""
    return {**values, "pages": len(values["text"].split())}


class Memo(Entity, table=ARCHIVE, entity_type="memo", schema_version=3):
    """Of the third schema."""

    folder: str
    name: str
    text: str
    pages: int

    primary = PrimaryKey("FOLDER#{folder}", "MEMO#{name}")

    lifts_1 = upgrader(1)(from_1)
    lifts_2 = upgrader(2)(from_2)


def entry(book: str, title: str, **given: Any) -> Entry:
    """An entry of a book."""
    values: dict[str, Any] = {"book": book, "kind": "LINE", "title": title, **given}
    return Entry(**values)


def entries(book: str, count: int, **given: Any) -> list[Entry]:
    """Entries 0 to `count` - 1 of a book, in key order."""
    return [entry(book, f"t{number:04}", number=number, **given) for number in range(count)]


def remark(book: str, minute: int = 0, **given: Any) -> Remark:
    """A remark made in some minute of an hour."""
    values: dict[str, Any] = {"book": book, "at": datetime(2025, 1, 1, 12, minute, tzinfo=UTC), **given}
    return Remark(**values)


def unused_name() -> str:
    """A partition of one's own, for examples that share a table."""
    return Chance().identifier()


def stored(core: CoreTable, entities: Iterable[Entity]) -> None:
    """Put entities, all of them."""
    core.put_many(entities).raise_if_failed()


@contextmanager
def on_loan(core: CoreTable, entities: Iterable[Entity]) -> Generator[None]:
    """Entities that are there for one example only, so that the table stays small however many there are."""
    lent = list(entities)
    stored(core, lent)
    try:
        yield
    finally:
        core.delete_many(lent).raise_if_failed()


def titles(found: Iterable[Entry]) -> list[str]:
    """What tells entries of one book and kind apart."""
    return [one.title for one in found]


def put_raw(core: CoreTable, table: Table, *items: Mapping[str, Any]) -> None:
    """Items as another program writes them: nothing checked, nothing added."""
    name = core.context.names[table]
    for start in range(0, len(items), 25):
        writes = [{"PutRequest": {"Item": dict(item)}} for item in items[start : start + 25]]
        core.runner.transport.send(Request("BatchWriteItem", {"RequestItems": {name: writes}}))


def raw_entry(book: str, title: str, **attributes: Any) -> dict[str, Any]:
    """An entry's item in attribute values; an attribute given as None is left out."""
    item = {
        "PK": {"S": f"BOOK#{book}"},
        "SK": {"S": f"ENTRY#LINE#{title}"},
        "entity_type": {"S": "entry"},
        "book": {"S": book},
        "kind": {"S": "LINE"},
        "title": {"S": title},
        **attributes,
    }
    return {name: value for name, value in item.items() if value is not None}


class Recorder:
    """A transport that keeps every request it passes on."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._lock = Lock()
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        """Note it, then send it."""
        with self._lock:
            self.requests.append(request)
        return self._inner.send(request)

    @property
    def operations(self) -> list[str]:
        """The operations sent so far."""
        return [request.operation for request in self.requests]


class Unreachable:
    """A transport for what must be refused before anything is sent."""

    def send(self, request: Request) -> Response:
        """Fail: nothing should have come this far."""
        raise AssertionError(f"{request.operation} was sent")


class SmallPages:
    """A transport whose engine stops after a few items, as DynamoDB does after 1 MB."""

    def __init__(self, inner: Transport, size: int) -> None:
        self._inner = inner
        self._size = size

    def send(self, request: Request) -> Response:
        """Lower the limit of a query or scan."""
        if request.operation not in ("Query", "Scan"):
            return self._inner.send(request)
        limit = min(self._size, request.parameters.get("Limit", self._size))
        return self._inner.send(replace(request, parameters={**request.parameters, "Limit": limit}))


class Failing:
    """A transport that raises where a test says so."""

    def __init__(self, inner: Transport, error: Callable[[Request], AircraftOpsDataError | None]) -> None:
        self._inner = inner
        self._error = error

    def send(self, request: Request) -> Response:
        """Raise the error there is for this request, or send it."""
        error = self._error(request)
        if error is not None:
            raise error
        return self._inner.send(request)


def through(core: CoreTable, transport: Transport) -> CoreTable:
    """The same tables, clock and cursors by way of another transport."""
    return type(core)(transport, core.context, core.runner.cursors.secret)


def watched(core: CoreTable) -> tuple[CoreTable, Recorder]:
    """The same tables, and a record of what is sent to them."""
    recorder = Recorder(core.runner.transport)
    return through(core, recorder), recorder


def in_small_pages(core: CoreTable, size: int) -> tuple[CoreTable, Recorder]:
    """The same tables in engine pages of a few items, and a record of what is asked."""
    return watched(through(core, SmallPages(core.runner.transport, size)))
