"""A quarantine as it is stored: which items are held, the records parked for each, and how often one has failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated
from zlib import compress

from pydantic import StringConstraints

from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import JOBS
from aircraftops_data.streams.change import AnyRecord, Poison
from aircraftops_data.streams.encoding import message

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
Place = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
# What one item holds of a body, so that its keys and reason fit beside it.
PART_BYTES = 360_000
REMEMBERED = timedelta(days=2)
"""How long it is known what was replayed: a stream delivers a record again for 24 hours at most."""


class HeldState(StrEnum):
    """Whether the records of an item are kept from the handlers."""

    OPEN = "open"
    CLEARED = "cleared"


class Held(Entity, table=JOBS, entity_type="held_place"):
    """An item whose records are parked, so that none overtakes another; or one for which they were, until lately."""

    stream: Name
    place: Place
    state: HeldState = HeldState.OPEN
    count: int
    """How many records are parked."""
    through: str = ""
    """The order of the last that was replayed or discarded: what comes again up to there was dealt with."""
    first: str = ""
    """The order of the first that was parked: what comes again and is from before it was dealt with, too."""
    table: str | None = None
    item: str
    """The primary key, for people to read."""
    reason: str
    """Why the first was parked."""
    parked_at: UtcDatetime

    primary = PrimaryKey("QUARANTINE#{stream}", "PLACE#{place}")

    def is_through(self, record: AnyRecord) -> bool:
        """Whether a record was replayed or discarded, or dealt with before those that were, or that are parked."""
        # A stream that was turned on anew may count from the beginning: what happened since is not meant.
        let_go = record.order <= self.through
        since = self.updated_at if let_go else self.parked_at
        known = let_go or record.order < self.first
        return known and is_in_line(record) and since is not None and record.at is not None and record.at <= since


class Parked(Entity, table=JOBS, entity_type="parked_record"):
    """A record that was parked, whole: as it came, compressed."""

    stream: Name
    place: Place
    order: str
    reason: str
    parked_at: UtcDatetime
    event_id: str | None = None
    parts: Count
    """How many items hold its body: this one, and others where it is large."""
    body: bytes

    primary = PrimaryKey("QUARANTINE#{stream}#{place}", "RECORD#{order}")


class ParkedPart(Entity, table=JOBS, entity_type="parked_part"):
    """More of the body of a large record."""

    stream: Name
    place: Place
    order: str
    number: Count
    body: bytes

    primary = PrimaryKey("QUARANTINE#{stream}#{place}", "PART#{order}#{number:2}")


class Failures(Entity, table=JOBS, entity_type="record_failures"):
    """How often a record has failed so far; it expires when the stream has forgotten the record."""

    stream: Name
    place: Place
    order: str
    count: int

    primary = PrimaryKey("QUARANTINE#{stream}#{place}", "FAILURES#{order}")


def is_in_line(record: AnyRecord) -> bool:
    """Whether a record comes straight from a stream, in order; what a queue brings may be late and yet be new."""
    return record.sequence is not None and (record.source_id or "").lstrip("0") == str(record.sequence)


def items_of(stream: str, record: AnyRecord, reason: str, now: datetime) -> tuple[Parked, list[ParkedPart]]:
    """The items of a whole record: its JSON text, compressed, cut to what items hold.

    A record that nothing but its content tells from others of its place (a snapshot, a stranger) is told by that.
    """
    text = message(record).encode()
    known = record.sequence is not None or record.source_id or record.event_id
    order = record.order if known else f"{record.order}{sha256(text).hexdigest()[:32]}"
    own = {"stream": stream, "place": record.place, "order": order}
    packed = compress(text)
    first, *more = (packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES))
    whole = {"reason": reason, "parked_at": now, "event_id": record.event_id, "parts": 1 + len(more), "body": first}
    parts = [ParkedPart.model_validate({**own, "number": number, "body": body}) for number, body in enumerate(more, 1)]
    return Parked.model_validate({**own, **whole}), parts


def reason_of(record: AnyRecord, error: Exception | None) -> str:
    """Why a record is parked: what is wrong with it, or the error's type; never what it holds."""
    if isinstance(record, Poison):
        return f"{record.kind}: {record.reason}"
    return "behind another" if error is None else f"handler: {type(error).__name__}"


def item_of(record: AnyRecord) -> str:
    """The primary key in a form for people: SCHEDULE#1 / RUN#2."""
    found = (str(next(iter(value.values()))) for _, value in sorted(record.keys.items()))
    return " / ".join(found) or "(no key)"
