"""Changes as Parquet files in a bucket or a folder, partitioned by date (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

from aircraftops_data.errors import ObjectStoreError
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.age import image_of
from aircraftops_data.streams.sinks.columns import PARTITION, Columns
from aircraftops_data.streams.sinks.sink import Refused
from aircraftops_data.transports.objects import Objects
from aircraftops_data.transports.parquet import PARQUET, Row, pyarrow, write

_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class ParquetSink:
    """Writes the changes of one entity: `{prefix}/{entity type}/date=2026-11-20/{its first change}.parquet`.

    Columns: the entity's fields by name, those marked PERSONAL only where `fields` names them, SECRET ones never; and
    `_operation`, `_cause`, `_sequence`, `_event_id`, `_at`, `_place`, `_version`, `_age`. Integers are 64 bits (a
    change with a longer one is refused), decimals the text of all their digits, what holds other values is JSON with
    numbers as the nearest double. A field added later is missing from older files: read them by name.

    The date is that of the change, in UTC; of one that has none (a snapshot) that of the item's last write, or
    1970-01-01. The same changes make the same objects, byte by byte with the same pyarrow.

    Each change ends up in the files exactly once where each lane (a shard, or Lambda's part of one) is delivered in its
    order, by one deliverer at a time, from the first change that is not acknowledged yet. For each file is named by the
    first change in it: whatever the lengths of attempts, what one has left behind is written over, whole, by the batch
    that acknowledges that change. Kinesis itself delivers doubles.

    Doubles, which have the same `_event_id`, remain where a change that was written is acknowledged otherwise or later:
    a sink declared behind this one refuses it or one before it, so declare this one last; in a later attempt a handler
    fails, so that the change is parked or skipped, or a predicate no longer wants it; a checkpoint is put back.

    Changes can be lost where some that were acknowledged are given again without those behind them, for a shorter file
    may then cover a longer one. So never feed it from a queue, which delivers one by one, give nothing again by hand
    but what was parked, and let leases outlast a batch: who still writes after another has taken the lane or a backfill
    over may do it.

    Snapshots have no `_event_id`: of those of one `_place` the greatest `_age` counts. A backfill made anew writes over
    files of the one before; give it another prefix, or let it come to its end.

    One PUT for each date in a batch, which is held in memory. Safe to share between threads. Raises MissingExtraError,
    DefinitionError.
    """

    def __init__(
        self,
        objects: Objects,
        entity: type[Entity],
        *,
        prefix: str = "changes",
        fields: Sequence[str] | None = None,
    ) -> None:
        pyarrow()
        self._objects = objects
        self._columns = Columns(entity, fields)
        self._place = "/".join(part for part in (prefix.strip("/"), entity.definition().entity_type) if part)

    def write(self, changes: Sequence[Change[Any]]) -> Sequence[Refused]:
        """Write changes. Nothing is taken behind a refused one, for the next batch begins there.

        Raises ObjectStoreError where files were left out, which the next attempt writes.
        """
        rows, refused = self._rows(changes)
        files: dict[date, list[Row]] = {}
        firsts: dict[date, Change[Any]] = {}
        for change, row in zip(changes, rows, strict=False):
            day = _day(change)
            firsts.setdefault(day, change)
            files.setdefault(day, []).append(row)
        for day, found in sorted(files.items()):
            self._put(f"{self._place}/{PARTITION}={day}/{_name(firsts[day])}.parquet", found)
        return refused

    def _rows(self, changes: Sequence[Change[Any]]) -> tuple[list[Row], list[Refused]]:
        """The rows of the changes up to the first that has none; the others."""
        rows: list[Row] = []
        for change in changes:
            try:
                rows.append(self._columns.row(change))
            except Exception as error:  # noqa: BLE001 - fields have serializers of the user's, which may raise anything
                # No fault of theirs: what passes by itself counts as no attempt.
                behind = ObjectStoreError("Not written: a change before it in the batch was refused")
                return rows, [Refused(change, error), *(Refused(each, behind) for each in changes[len(rows) + 1 :])]
        return rows, []

    def _put(self, key: str, rows: Sequence[Row]) -> None:
        file = BytesIO()
        write(file, self._columns.kinds, rows)
        self._objects.put(key, file.getvalue(), PARQUET)


def _day(change: Change[Any]) -> date:
    image = image_of(change)
    written = None if image is None else image.updated_at or image.created_at
    return (change.at or written or _UNKNOWN).astimezone(UTC).date()


def _name(change: Change[Any]) -> str:
    """Names a change, the same in each delivery and unlike any other; sorts as it happened."""
    # Shards may number their records alike, but no two have the same item; sources may have names of any letters.
    known = sha256(f"{change.place} {change.order} {change.event_id}".encode()).hexdigest()
    return f"{change.order.partition('-')[0]}-{known[:32]}"
