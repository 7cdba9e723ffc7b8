"""The tables as data: the one source for DDL, requests, design checks and documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aircraftops_data.errors import DefinitionError

if TYPE_CHECKING:
    from aircraftops_data.model.definition import EntityDefinition

KeyType = Literal["S", "N", "B"]
StreamView = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]

SENTINEL = "unique"
"""The entity type of the items that hold unique values."""

PARTITION_KEY_LIMIT_BYTES = 2048
SORT_KEY_LIMIT_BYTES = 1024
ITEM_LIMIT_BYTES = 400 * 1024


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key: its stored name and DynamoDB type."""

    name: str
    type: KeyType = "S"


@dataclass(frozen=True, slots=True)
class SecondaryIndex:
    """An index of a table; `projection` is "ALL", "KEYS_ONLY", or the attributes an INCLUDE index carries."""

    name: str
    partition_key: KeyAttribute
    sort_key: KeyAttribute | None = None
    projection: Literal["ALL", "KEYS_ONLY"] | tuple[str, ...] = "ALL"
    local: bool = False

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """The key attributes, partition key first."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)


@dataclass(frozen=True, slots=True)
class ManagedAttributes:
    """The stored names of what the library keeps beside an entity's own fields."""

    entity_type: str = "entity_type"
    version: str = "version"
    created_at: str = "created_at"
    updated_at: str = "updated_at"
    schema_version: str = "schema_version"
    write_id: str = "write_id"
    former_write_id: str = "former_write_id"

    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, eq=False)
class Table:
    """A table: its keys, indexes, stream and expiry, and the entities declared on it.

    A definition may describe any table, also one that others made: own attribute names, no sort key, number or
    binary keys, partial projections. `escape_keys=False` leaves key components as others wrote them and refuses a
    value that holds the separator. `typed=False` is for a table whose items carry no entity type.
    """

    name: str
    partition_key: KeyAttribute = KeyAttribute("PK")
    sort_key: KeyAttribute | None = KeyAttribute("SK")
    indexes: tuple[SecondaryIndex, ...] = ()
    ttl_attribute: str | None = None
    stream: StreamView | None = None
    managed: ManagedAttributes = ManagedAttributes()
    escape_keys: bool = True
    typed: bool = True
    entities: dict[str, EntityDefinition] = field(default_factory=dict[str, "EntityDefinition"], repr=False)

    def __post_init__(self) -> None:
        names = [index.name for index in self.indexes]
        if len(set(names)) != len(names):
            raise DefinitionError(f"Table {self.name}: two indexes have one name: {', '.join(names)}")

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """The primary key's attributes, partition key first."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)

    @property
    def key_attributes(self) -> tuple[KeyAttribute, ...]:
        """Every attribute of the primary key and of all indexes, each once."""
        every = (*self.attributes, *(attribute for index in self.indexes for attribute in index.attributes))
        return tuple({attribute.name: attribute for attribute in every}.values())


def _overloaded(number: int) -> SecondaryIndex:
    return SecondaryIndex(f"GSI{number}", KeyAttribute(f"GSI{number}PK"), KeyAttribute(f"GSI{number}SK"))


GSI1, GSI2, GSI3 = (_overloaded(number) for number in (1, 2, 3))

CORE = Table("CoreTable", indexes=(GSI1, GSI2, GSI3), ttl_attribute="delete_at", stream="NEW_AND_OLD_IMAGES")
JOBS = Table("JobsTable", indexes=(GSI1,), ttl_attribute="ttl")
AUDIT_EVENTS = Table("AuditEventsTable", indexes=(GSI1, GSI2, GSI3), ttl_attribute="expires_at", stream="NEW_IMAGE")

TABLES = (CORE, JOBS, AUDIT_EVENTS)
