"""Changes of entities out of events: whatever service brings the records of a stream, they come out alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from aircraftops_data.model.definition import ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import EPOCH, Cause, Change, Operation, Poison, PoisonKind, change_of
from aircraftops_data.streams.dialects import unwrapped
from aircraftops_data.streams.heads import happened, images_of, instant_of, keys_of, or_none, sequence_of, table_of
from aircraftops_data.streams.reading import Readings
from aircraftops_data.streams.stored import UnreadableError, is_map, plain, text_or_none
from aircraftops_data.translation.values import decode_value

Said = Mapping[str, Any]
_OWN_KEY = ("PK", "SK")
_SNAPSHOT = (Operation.INSERT, Cause.SNAPSHOT)


def decode(
    event: object, entities: Iterable[type[Entity]] = (), *, table: str | None = None
) -> list[Change[Any] | Poison]:
    """The changes in an event, in order; `Decoder` does the same for many events without looking at the entities anew.

    `table` is the physical name where the records do not say it. Raises UnknownEventError, DefinitionError.
    """
    return Decoder(entities).records(event, table)


class Decoder:
    """Reads records as changes of these entities, which may be of several tables. Safe to share between threads.

    What is of none of them is a change too, without an entity; what cannot be read is a `Poison` in its place.
    Raises DefinitionError for a class that is stored nowhere.
    """

    def __init__(self, entities: Iterable[type[Entity]] = ()) -> None:
        self._readings = Readings(entities)
        self._primary_keys = [*self._readings.primary_keys, _OWN_KEY]

    def records(self, event: object, table: str | None = None) -> list[Change[Any] | Poison]:
        """The changes in an event of any dialect. Raises UnknownEventError for what is no such event."""
        return [
            self.record(raw, table, source_id) if problem is None else _stranger(raw, table, source_id, problem)
            for raw, source_id, problem in unwrapped(event)
        ]

    def record(self, raw: Said, table: str | None = None, source_id: str | None = None) -> Change[Any] | Poison:
        """The change one record tells. `source_id` is what the batch it came in calls it."""
        try:
            if "dynamodb" in raw:
                return self._streamed(raw, table, source_id)
            if "Item" in raw:
                return self._snapshot(raw, table, source_id)
            if "Keys" in raw and "Metadata" in raw:
                return self._exported(raw, table, source_id)
        except UnreadableError as error:
            return _poison(raw, table, source_id, error, self._keys_in)
        return _stranger(raw, table, source_id, "This is no record of a stream and no line of an export")

    def item(self, item: ItemView, table: str | None = None) -> Change[Any] | Poison:
        """An item as it stands, out of a scan or a full export: an insert whose cause is a snapshot."""
        return self.record({"Item": item}, table)

    def _streamed(self, raw: Said, table: str | None, source_id: str | None) -> Change[Any]:
        """A record of a stream. Source: DynamoDB API Reference, Record and StreamRecord."""
        body = raw["dynamodb"]
        if not is_map(body):
            raise UnreadableError(PoisonKind.NOT_A_RECORD, "dynamodb is no map")
        done, keys, named = happened(raw, body), keys_of(body.get("Keys")), table_of(raw, table)
        images = self._images(keys, named, images_of(raw, body))
        source_id = source_id or _own_id(raw, body)
        return change_of(
            raw,
            named,
            keys,
            sequence_of(body),
            instant_of(body),
            text_or_none(raw.get("eventID")),
            source_id,
            done,
            images,
        )

    def _exported(self, raw: Said, table: str | None, source_id: str | None) -> Change[Any]:
        """A line of an incremental export: what became of an item within its window, whatever happened in between.

        What it did follows from the images. In a view of new images alone nothing tells a modification from an insert,
        and both are inserts here. Source: DynamoDB Developer Guide, "DynamoDB table export output format".
        """
        keys, named = keys_of(raw["Keys"]), table_of(raw, table)
        images = self._images(keys, named, images_of(raw, raw))
        source_id = source_id or text_or_none(raw.get("sourceID"))
        return change_of(
            raw, named, keys, None, _written_at(raw), None, source_id, (_operation(raw), Cause.USER), images
        )

    def _snapshot(self, raw: Said, table: str | None, source_id: str | None) -> Change[Any]:
        """A line of a full export, or an item of a scan."""
        image, named = raw["Item"], table_of(raw, table)
        keys = self._keys_in(image)
        images = self._images(keys, named, (None, image))
        source_id = source_id or text_or_none(raw.get("sourceID"))
        return change_of(raw, named, keys, None, None, None, source_id, _SNAPSHOT, images)

    def _keys_in(self, image: object) -> ItemView:
        """The primary key in an item: of a listed entity's table, or as this library names its own; else empty."""
        if not is_map(image):
            raise UnreadableError(PoisonKind.NOT_A_RECORD, "Item is no map")
        for names in self._primary_keys:
            if all(name in image for name in names):
                return keys_of({name: image[name] for name in names})
        return {}

    def _images(
        self, keys: ItemView, table: str | None, images: tuple[Any, Any]
    ) -> tuple[type[Entity] | None, Any, Any]:
        """The entity, and the item before and afterwards."""
        old, new = images
        shown = old if new is None else new
        if shown is None:
            reading = self._readings.of_keys(keys, table)
            if reading is None:
                return None, None, None
            reading.check_identity(keys)
            return reading.entity, None, None
        if not is_map(shown):
            raise UnreadableError(PoisonKind.BAD_VALUE, "An image is no map of attribute values")
        reading = self._readings.of_image(shown, keys, table)
        entity, read = (None, _as_dict) if reading is None else (reading.entity, reading.image)
        return entity, None if old is None else read(old), None if new is None else read(new)


def _as_dict(image: ItemView) -> dict[str, Any]:
    return {name: decode_value(value) for name, value in plain(image).items()}


def _operation(raw: Said) -> Operation:
    old, new = images_of(raw, raw)
    if new is None:
        return Operation.REMOVE
    return Operation.INSERT if old is None else Operation.MODIFY


def _written_at(raw: Said) -> datetime | None:
    """When the item was written last, of an export's line."""
    metadata: Any = raw["Metadata"]
    try:
        found = metadata.get("WriteTimestampMicros")
        if found is None:
            return None
        return EPOCH + int(found["N"] if is_map(found) else found) * _MICROSECOND
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise UnreadableError(PoisonKind.BAD_VALUE, "WriteTimestampMicros is no time") from None


_MICROSECOND = EPOCH.resolution


def _own_id(raw: Said, body: Said) -> str | None:
    """What a batch of Lambda calls a record: its sequence number; a message says what it was called before."""
    return text_or_none(raw.get("sourceID")) or text_or_none(body.get("SequenceNumber"))


_EMPTY: Said = {}


def _stranger(raw: Said, table: str | None, source_id: str | None, reason: str) -> Poison:
    return _poison(raw, table, source_id, UnreadableError(PoisonKind.NOT_A_RECORD, reason))


def _poison(
    raw: Said,
    table: str | None,
    source_id: str | None,
    error: UnreadableError,
    keys_in: Callable[[object], ItemView] = keys_of,
) -> Poison:
    """A record that cannot be read, with what can be said of it all the same; `keys_in` finds the key of an item."""
    inside = raw.get("dynamodb")
    body = inside if is_map(inside) else _EMPTY
    return Poison(
        table=table_of(raw, table),
        keys=or_none(keys_of, (body or raw).get("Keys")) or or_none(keys_in, raw.get("Item")) or {},
        sequence=or_none(sequence_of, body),
        at=or_none(instant_of, body) or (or_none(_written_at, raw) if "Metadata" in raw else None),
        event_id=text_or_none(raw.get("eventID")),
        source_id=source_id or _own_id(raw, body),
        raw=raw,
        kind=error.kind,
        reason=error.reason,
    )
