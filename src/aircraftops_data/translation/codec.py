"""An entity and its stored item, both ways: fields, keys, what the library keeps, and schema upgrades."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from aircraftops_data.errors import (
    CorruptItemError,
    InvalidKeyError,
    InvalidValueError,
    ItemTooLargeError,
    UnknownEntityTypeError,
    WrongEntityTypeError,
)
from aircraftops_data.model.conditions import Attribute
from aircraftops_data.model.definition import AttributeValue, EntityDefinition, Item, ItemView, KeyPart
from aircraftops_data.model.fields import problems, set_kind
from aircraftops_data.model.schema import ITEM_LIMIT_BYTES, Table
from aircraftops_data.translation.encoding import FieldEncoders
from aircraftops_data.translation.key_writing import key_writer
from aircraftops_data.translation.readers import ReadItem, reader_of
from aircraftops_data.translation.values import decode_value, encode_instant, encode_value, fits, item_size

if TYPE_CHECKING:
    from aircraftops_data.model.entity import Entity

E = TypeVar("E", bound="Entity")


class EntityCodec(Generic[E]):
    """Writes and reads the items of one entity. Made once per entity by `codec_of`."""

    def __init__(self, definition: EntityDefinition) -> None:
        self.definition = definition
        self._entity = cast("type[E]", definition.entity)
        self._encoders = FieldEncoders(definition)
        self._write_keys = key_writer(definition)
        own = self._encoders.own
        self._sets = {name: kind for name in own if (kind := set_kind(self._entity, name)) is not None}
        self._by_attribute = {attribute: name for name, attribute in definition.attributes.items()}

    def fields(self, entity: E) -> Item:
        """The entity's own fields, and its expiry, as attributes; None is left out where absence reads back as None."""
        encoded = self._encoders.every(entity)
        return encoded if entity.expires_at is None else encoded | self.expiry(entity.expires_at)

    def expiry(self, expires_at: datetime) -> Item:
        """The TTL attribute. Raises InvalidValueError where the table has none."""
        name = self.definition.attributes.get("expires_at")
        if name is None:
            raise InvalidValueError(f"{self.definition.name}: {self.definition.table.name} has no TTL attribute")
        if expires_at.utcoffset() is None:
            raise InvalidValueError("A datetime without a time zone names no instant; give it one (for example UTC)")
        return {name: {"N": str(int(expires_at.timestamp()))}}

    def field(self, name: str, value: Any) -> AttributeValue | None:
        """One validated field as its attribute value; None where nothing is stored for it."""
        if name == "expires_at":
            return None if value is None else next(iter(self.expiry(value).values()))
        return self._encoders.one(name, value)

    def operand(self, attribute: Attribute | None, value: Any) -> AttributeValue:
        """A value to compare an attribute with, written as the attribute's own field would be."""
        name = None if attribute is None or attribute.path else self._by_attribute.get(attribute.name)
        if isinstance(value, AbstractSet) and value == set():
            raise InvalidValueError("An empty set is stored as nothing; use does_not_exist()")
        if name is None or value is None or (name == "expires_at" and not isinstance(value, datetime)):
            return encode_value(value)
        try:
            return self.field(name, value) or encode_value(value)
        except PydanticSerializationError:
            # Not a value of the field, but perhaps what its serializer makes of one.
            return encode_value(value)

    @cached_property
    def marks(self) -> Item:
        """The entity type and, above 1, the schema version."""
        definition = self.definition
        marks: Item = {}
        if definition.table.typed:
            marks[definition.table.managed.entity_type] = {"S": definition.entity_type}
        if definition.schema_version > 1:
            marks[definition.table.managed.schema_version] = {"N": str(definition.schema_version)}
        return marks

    def item(self, entity: E) -> Item:
        """The whole item, but for the marks of a commit. Raises InvalidKeyError, InvalidValueError."""
        managed = self.definition.table.managed
        item = self.fields(entity)
        self._write_keys(entity.__dict__, item)
        item |= self.marks
        item[managed.version] = {"N": str(entity.version)}
        for name, instant in ((managed.created_at, entity.created_at), (managed.updated_at, entity.updated_at)):
            if instant is not None:
                item[name] = encode_instant(instant)
        return item

    def keys(self, entity: E) -> Item:
        """The attributes of its primary key and of the indexes it is in. Raises InvalidKeyError."""
        keys: Item = {}
        self._write_keys(entity.__dict__, keys)
        return keys

    def entity(self, item: ItemView) -> E:
        """The entity of a stored item. Raises CorruptItemError, or one of its kinds, with `problem @ path`."""
        read: E | None = item.entity if isinstance(item, ReadItem) else self._read(item)
        return self.slow_entity(item) if read is None else read

    def _read(self, item: ItemView) -> E | None:
        reader = reader_of(self.definition)
        return None if reader is None else reader.entity(item)

    def slow_entity(self, item: ItemView) -> E:
        """The same attribute by attribute, for items of any shape; says what does not fit."""
        self.check_type(item)
        values = self._upgraded(item) if self.is_old(item) else self._plain(item)
        self._fill(values, item)
        try:
            return cast("E", self.definition.validate(values))
        except ValidationError as error:
            self._corrupt(item, problems(error), None)

    def plain(self, item: ItemView) -> dict[str, Any]:
        """The fields an item carries by name in plain Python, not validated; for projected reads.

        Components that only a key holds are read from it.
        """
        if self.is_old(item):
            self._corrupt(item, ("parts of an item of an older schema version cannot be upgraded @ (item)",), None)
        values = self._plain(item)
        return values | self._from_keys(item, values)

    def schema_version(self, item: ItemView) -> int:
        """The schema version an item was written with; 1 where it does not say."""
        stored = item.get(self.definition.table.managed.schema_version, {"N": "1"})
        try:
            return int(stored["N"])
        except (KeyError, ValueError, TypeError) as error:
            self._corrupt(item, ("expected a whole number @ schema_version",), error)

    def is_old(self, item: ItemView) -> bool:
        """Whether the item was written by an older schema version. Raises CorruptItemError for a newer one."""
        found, current = self.schema_version(item), self.definition.schema_version
        if found > current:
            self._corrupt(item, (f"written by schema version {found}, this code knows {current} @ (item)",), None)
        return found < current

    def _plain(self, item: ItemView) -> dict[str, Any]:
        values = {
            name: self._decoded(item, attribute)
            for name, attribute in self.definition.attributes.items()
            if attribute in item
        }
        return self._with_expiry(values, item)

    def _with_expiry(self, values: dict[str, Any], item: ItemView) -> dict[str, Any]:
        expires = values.get("expires_at")
        if expires is not None:
            values["expires_at"] = self._instant(expires, item)
        return values

    def _instant(self, seconds: Any, item: ItemView) -> datetime:
        if isinstance(seconds, bool) or not isinstance(seconds, int | Decimal):
            self._corrupt(item, ("expected epoch seconds @ expires_at",), None)
        try:
            return datetime.fromtimestamp(float(seconds), UTC)
        except (ArithmeticError, ValueError, OSError):
            self._corrupt(item, ("expected epoch seconds @ expires_at",), None)

    def _decoded(self, item: ItemView, attribute: str) -> Any:
        try:
            return decode_value(item[attribute])
        except CorruptItemError as error:
            self._corrupt(item, (f"{error.message} @ {attribute}",), error)

    def left_behind(self, item: ItemView) -> set[str]:
        """The attributes that upgrading an old item takes away: what its schema had and the current one has not."""
        return set(item) - set(self._lifted(item)) if self.is_old(item) else set()

    def _lifted(self, item: ItemView) -> dict[str, Any]:
        """Plain values lifted step by step to the current schema version, by attribute name."""
        values = {name: self._decoded(item, name) for name in item}
        for version in range(self.schema_version(item), self.definition.schema_version):
            values = self._lift(item, version, values)
        return values

    def _upgraded(self, item: ItemView) -> dict[str, Any]:
        """The current fields of an old item, by field name."""
        values = self._lifted(item)
        found = {
            name: values[attribute] for name, attribute in self.definition.attributes.items() if attribute in values
        }
        return self._with_expiry(found, item)

    def _lift(self, item: ItemView, version: int, values: dict[str, Any]) -> dict[str, Any]:
        # What the library keeps is not the entity's to lose: an upgrader may return a dict of its own.
        kept = self.definition.table.managed.names()
        try:
            lifted = dict(self.definition.upgraders[version](dict(values)))
            return {**lifted, **{name: value for name, value in values.items() if name in kept}}
        except Exception as error:  # noqa: BLE001 - an upgrader is the user's code and may raise anything
            self._corrupt(item, (f"upgrader from version {version}: {type(error).__name__} @ (item)",), error)

    def _fill(self, values: dict[str, Any], item: ItemView) -> None:
        """What the attributes leave out: empty sets, and components that only a key holds (foreign tables)."""
        for name, kind in self._sets.items():
            if values.get(name) is None:
                values[name] = kind()
        values |= self._from_keys(item, values)

    def _from_keys(self, item: ItemView, values: Mapping[str, Any]) -> dict[str, Any]:
        """The components that no attribute of its own holds, read from the keys (foreign tables, narrow indexes)."""
        found: dict[str, Any] = {}
        for key in self.definition.keys:
            if any(name not in values for name in key.components):
                for part in key.parts:
                    found |= self._parsed(item, part)
        return {name: value for name, value in found.items() if name not in values}

    def _parsed(self, item: ItemView, part: KeyPart) -> dict[str, Any]:
        stored = item.get(part.attribute.name)
        try:
            return {} if stored is None else part.parse(stored)
        except InvalidKeyError as error:
            self._corrupt(item, (f"{error.message} @ {part.attribute.name}",), error)

    def check_type(self, item: ItemView) -> None:
        """Raise WrongEntityTypeError or UnknownEntityTypeError unless the item is of this entity."""
        table = self.definition.table
        if not table.typed:
            return
        found = type_of(item, table)
        if found == self.definition.entity_type:
            return
        kind = WrongEntityTypeError if found in table.entities else UnknownEntityTypeError
        raise kind(
            f"Expected {self.definition.name} ({self.definition.entity_type!r}), found entity type {found!r}",
            entity=self.definition.name,
            key=primary_key(item, table),
            found=found,
        )

    def _corrupt(self, item: ItemView, found: tuple[str, ...], cause: Exception | None) -> NoReturn:
        raise CorruptItemError(
            f"A stored {self.definition.name} does not fit: {'; '.join(found)}",
            entity=self.definition.name,
            key=primary_key(item, self.definition.table),
            problems=found,
        ) from cause


@cache
def codec_of(definition: EntityDefinition) -> EntityCodec[Any]:
    """The codec of an entity, made on first use."""
    return EntityCodec(definition)


def values_of(entity: Entity) -> dict[str, Any]:
    """The entity's fields by name, as they are."""
    return dict(entity.__dict__)


def type_of(item: ItemView, table: Table) -> str | None:
    """The entity type an item says it has."""
    return item.get(table.managed.entity_type, {}).get("S")


def primary_key(item: ItemView, table: Table) -> Item:
    """The primary key's attributes of an item."""
    return {attribute.name: item[attribute.name] for attribute in table.attributes if attribute.name in item}


def is_expired(item: ItemView, table: Table, now: datetime) -> bool:
    """Whether an item's expiry has passed, though DynamoDB may not have deleted it yet (it takes up to days)."""
    stored = item.get(table.ttl_attribute, {}).get("N") if table.ttl_attribute else None
    return stored is not None and float(stored) <= now.timestamp()


def check_size(item: Item, name: str) -> Item:
    """The item. Raises ItemTooLargeError over 400 KB, DynamoDB's limit."""
    if fits(item, ITEM_LIMIT_BYTES):
        return item
    size = item_size(item)
    if size > ITEM_LIMIT_BYTES:
        raise ItemTooLargeError(
            f"{name}: the item takes {size} bytes, over DynamoDB's {ITEM_LIMIT_BYTES}",
            size_bytes=size,
            limit_bytes=ITEM_LIMIT_BYTES,
        )
    return item
