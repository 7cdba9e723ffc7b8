"""What one entity class declares, worked out once: its keys, attribute names, uniques and schema version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from aircraftops_data.errors import DefinitionError, InvalidKeyError
from aircraftops_data.model.encoders import KeyEncoder, encoder_for, plain_encoder_for
from aircraftops_data.model.fields import FieldValidators, problems
from aircraftops_data.model.keys import KeyTemplate
from aircraftops_data.model.numbers import number_text, number_value
from aircraftops_data.model.schema import (
    PARTITION_KEY_LIMIT_BYTES,
    SORT_KEY_LIMIT_BYTES,
    KeyAttribute,
    SecondaryIndex,
    Table,
)

if TYPE_CHECKING:
    from aircraftops_data.model.entity import Entity

AttributeValue = dict[str, Any]
"""One DynamoDB value: a dict with one key, its type: {"S": "x"}, {"N": "1"}, {"M": {...}}."""
Item = dict[str, AttributeValue]
"""A stored item: attribute names to attribute values."""
ItemView = Mapping[str, AttributeValue]
"""An item that is only looked at."""

# Stored by the library itself, and changed by every write or by time.
MANAGED_FIELDS = frozenset({"version", "created_at", "updated_at", "expires_at"})


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One attribute of a key and the template its value is built from."""

    attribute: KeyAttribute
    template: KeyTemplate
    limit_bytes: int

    def value(self, values: Mapping[str, Any]) -> AttributeValue | None:
        """The stored value for these components; None where one of them is None."""
        if self.attribute.type == "S":
            text = self.template.build(values)
            return None if text is None else self.text_value(text)
        only = self.template.components[0]
        if only not in values:
            raise InvalidKeyError(f"Key component {only!r} is missing", component=only)
        return None if values[only] is None else self.plain_value(values[only])

    def plain_value(self, value: Any) -> AttributeValue:
        """A number or binary component as its attribute value."""
        if self.attribute.type == "N":
            return {"N": number_text(value)}
        self._check_size(len(value))
        return {"B": bytes(value)}

    def text_value(self, text: str) -> AttributeValue:
        """Key text as an attribute value. Raises InvalidKeyError where it is empty or over the limit."""
        # No code point takes more than 4 bytes.
        if not 0 < len(text) <= self.limit_bytes // 4:
            self._check_size(len(text.encode()))
        return {"S": text}

    def _check_size(self, size: int) -> None:
        if not 0 < size <= self.limit_bytes:
            raise InvalidKeyError(
                f"Key {self.attribute.name} would take {size} bytes; it may take 1 to {self.limit_bytes} "
                f"(template {self.template.text!r})"
            )

    def parse(self, stored: AttributeValue) -> dict[str, Any]:
        """The components of a stored key value. Raises InvalidKeyError."""
        if self.attribute.type == "S":
            return self.template.parse(stored.get("S", ""))
        only = self.template.components[0]
        return {only: number_value(stored["N"]) if self.attribute.type == "N" else bytes(stored["B"])}


@dataclass(frozen=True)
class BoundKey:
    """A primary key or an index of one entity: its name, its parts, and the index (None: the primary key)."""

    name: str
    index: SecondaryIndex | None
    partition: KeyPart
    sort: KeyPart | None

    @cached_property
    def parts(self) -> tuple[KeyPart, ...]:
        """The key's parts, partition key first."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @cached_property
    def components(self) -> tuple[str, ...]:
        """The fields that feed the key, in template order, each once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.template.components))

    def build(self, values: Mapping[str, Any]) -> Item | None:
        """The key's attributes for these values; None where a component is None, so that no half key exists."""
        if any(name in values and values[name] is None for name in self.components):
            return None
        built = ((part.attribute.name, part.value(values)) for part in self.parts)
        return {name: value for name, value in built if value is not None}


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique constraint: the fields it spans and the template of its sentinel's partition key."""

    fields: tuple[str, ...]
    part: KeyPart


@dataclass(frozen=True, eq=False, repr=False)
class EntityDefinition:
    """Everything the library knows of one entity class."""

    entity: type[Entity]
    entity_type: str
    table: Table
    schema_version: int
    primary: BoundKey
    indexes: tuple[BoundKey, ...]
    uniques: tuple[UniqueKey, ...]
    attributes: Mapping[str, str]
    validation_keys: Mapping[str, str]
    upgraders: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]
    validators: FieldValidators

    @cached_property
    def ambiguous(self) -> bool:
        """Whether one field's alias is the name of another that has none, so that only names tell them apart."""
        return len(set(self.validation_keys.values())) < len(self.validation_keys)

    @property
    def name(self) -> str:
        """The class's name."""
        return self.entity.__name__

    @cached_property
    def keys(self) -> tuple[BoundKey, ...]:
        """The primary key and the indexes."""
        return (self.primary, *self.indexes)

    @cached_property
    def stored_names(self) -> frozenset[str]:
        """Every attribute a field or an index key is stored under."""
        indexed = {part.attribute.name for key in self.indexes for part in key.parts}
        return frozenset({*self.attributes.values(), *indexed})

    def __repr__(self) -> str:
        return f"<definition of {self.name}>"

    def validate(self, values: Mapping[str, Any]) -> Any:
        """An entity of these fields, given by name. Raises pydantic's ValidationError.

        Aliases are used where they can be, for models inside have some too.
        """
        if self.ambiguous:
            return self.entity.model_validate(values, by_alias=False, by_name=True)
        keys = self._renamed
        keyed = {keys.get(name, name): value for name, value in values.items()} if keys else values
        return self.entity.model_validate(keyed, by_alias=True, by_name=True)

    @cached_property
    def _renamed(self) -> Mapping[str, str]:
        """The fields pydantic takes under another name."""
        return {name: key for name, key in self.validation_keys.items() if name != key}

    def identify(self, components: Mapping[str, Any]) -> Item:
        """The primary key of the entity with these components, normalised by their fields. Raises InvalidKeyError."""
        self.refuse_unknown(self.primary, components)
        return self.key_of({name: self.coerce(name, value) for name, value in components.items()})

    def key_of(self, values: Mapping[str, Any]) -> Item:
        """The primary key of an entity with these values, which are as their fields normalise them."""
        key = self.primary.build(values)
        if key is None:
            raise InvalidKeyError(f"{self.name}: a component of the primary key is None")
        return key

    def refuse_unknown(self, key: BoundKey, components: Mapping[str, Any]) -> None:
        """Raise InvalidKeyError for a component the key does not have."""
        unknown = [name for name in components if name not in key.components]
        if unknown:
            raise InvalidKeyError(
                f"{self.name}.{key.name} has no component {unknown[0]!r}; it has {', '.join(key.components)}",
                component=unknown[0],
            )

    def coerce(self, name: str, value: Any) -> Any:
        """A key component as its field normalises it. Raises InvalidKeyError."""
        try:
            return self.validators.validate(name, value)
        except ValidationError as error:
            raise InvalidKeyError(f"{self.name}: {'; '.join(problems(error, name))}", component=name) from None


def bind_part(
    entity: type[Entity],
    table: Table,
    attribute: KeyAttribute,
    text: str,
    *,
    sort: bool = False,
    encode: Callable[[Any, str], KeyEncoder] = encoder_for,
) -> KeyPart:
    """A template bound to an attribute, with the encoders of the entity's fields. Raises DefinitionError."""

    def encoder(name: str, spec: str) -> KeyEncoder:
        field = entity.model_fields.get(name)
        if field is None:
            raise DefinitionError(f"{entity.__name__}: {name!r} in key template {text!r} is not a field")
        if name in ("version", "updated_at", "expires_at"):
            raise DefinitionError(f"{entity.__name__}: {name!r} changes by itself and cannot be part of a key")
        try:
            return (
                encode(field.annotation, spec)
                if attribute.type == "S"
                else plain_encoder_for(field.annotation, attribute.type)
            )
        except DefinitionError as error:
            raise DefinitionError(f"{entity.__name__}: {name!r} in key template {text!r}: {error}") from error

    template = KeyTemplate.of(text, encoder, escaped=table.escape_keys)
    if attribute.type != "S" and not template.whole:
        raise DefinitionError(f"{entity.__name__}: key {attribute.name} is a number or binary: one component alone")
    return KeyPart(attribute, template, SORT_KEY_LIMIT_BYTES if sort else PARTITION_KEY_LIMIT_BYTES)


def bind_key(
    entity: type[Entity], table: Table, name: str, index: SecondaryIndex | None, partition: str, sort: str | None
) -> BoundKey:
    """A primary key or index declaration bound to its table's attributes. Raises DefinitionError."""
    keyed = index or table
    if (keyed.sort_key is None) != (sort is None):
        needs = "no sort key" if keyed.sort_key is None else "a sort key"
        raise DefinitionError(f"{entity.__name__}.{name}: {keyed.name} has {needs}")
    return BoundKey(
        name,
        index,
        bind_part(entity, table, keyed.partition_key, partition),
        None if keyed.sort_key is None else bind_part(entity, table, keyed.sort_key, sort or "", sort=True),
    )
