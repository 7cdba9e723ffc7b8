"""Entity: a frozen pydantic model that says where it is stored and by which keys it is found."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PydanticUndefinedAnnotation

from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.conditions import Attribute, FieldPath
from aircraftops_data.model.declarations import Index, PrimaryKey, Unique, Upgrader
from aircraftops_data.model.definition import MANAGED_FIELDS, BoundKey, EntityDefinition, UniqueKey, bind_key, bind_part
from aircraftops_data.model.design import register
from aircraftops_data.model.encoders import unordered_encoder_for
from aircraftops_data.model.fields import FieldValidators, attribute_names, validation_keys
from aircraftops_data.model.schema import SENTINEL, Table

if TYPE_CHECKING:
    from collections.abc import Iterator


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError where that has no year of its own."""
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("an instant must lie in the years 1 to 9999 of UTC") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""An instant; any time zone is taken and normalised to UTC, none is refused."""

ExpiryInstant = Annotated[UtcDatetime, AfterValidator(lambda instant: instant.replace(microsecond=0))]
"""An instant of whole seconds, as DynamoDB's TTL counts them; fractions are cut."""


_ENTITY_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


class Fields:
    """The fields of an entity as paths: `Aircraft.f.operator == "UAL"` is a condition."""

    def __init__(self, entity: type[Entity]) -> None:
        self._entity = entity

    def __getattr__(self, name: str) -> FieldPath:
        if name.startswith("__"):
            raise AttributeError(name)
        attributes = self._entity.definition().attributes
        if name not in attributes:
            raise AttributeError(f"{self._entity.__name__} has no field {name!r}")
        return FieldPath(self._entity, name, Attribute(attributes[name]))

    __getitem__ = __getattr__

    def __dir__(self) -> Iterator[str]:
        yield from self._entity.model_fields


class _FieldsOfClass:
    def __get__(self, instance: object, owner: type[Entity]) -> Fields:
        return Fields(owner)


class Entity(BaseModel):
    """One kind of thing in a table. Frozen; a repository stores it, it never stores itself.

    Declare with `class Aircraft(Entity, table=CORE, entity_type="aircraft")`; without a table the class is a base for
    others. `version`, `created_at` and `updated_at` are kept by the library: 0 and None until the entity was stored.
    `expires_at` is when DynamoDB may delete it. A field's alias, where it has one, is its stored attribute name.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        # A validation error is chained to ours; a logged traceback must not show what an item holds.
        hide_input_in_errors=True,
        ignored_types=(PrimaryKey, Index, Unique, Upgrader, _FieldsOfClass),
    )

    version: int = 0
    created_at: UtcDatetime | None = None
    updated_at: UtcDatetime | None = None
    expires_at: ExpiryInstant | None = None

    f: ClassVar[_FieldsOfClass] = _FieldsOfClass()

    __definition: ClassVar[EntityDefinition | None] = None

    def __init_subclass__(
        cls, *, table: Table | None = None, entity_type: str | None = None, schema_version: int = 1, **config: Any
    ) -> None:
        """Take the class keywords; `__pydantic_init_subclass__` acts on them once the fields are known."""
        super().__init_subclass__(**config)

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, table: Table | None = None, entity_type: str | None = None, schema_version: int = 1, **_: Any
    ) -> None:
        """Work out and check the definition of a concrete entity. Raises DefinitionError."""
        if (table is None) != (entity_type is None):
            raise DefinitionError(f"{cls.__name__}: give both table= and entity_type=, or neither for a base class")
        cls.__definition = None
        if table is not None and entity_type is not None:
            cls.__definition = _define(cls, table, entity_type, schema_version)
            register(cls.__definition)

    @classmethod
    def definition(cls) -> EntityDefinition:
        """What this class declares. Raises DefinitionError for a base class, which is stored nowhere."""
        if cls.__definition is None:
            raise DefinitionError(f"{cls.__name__} is a base class: it was declared without table= and entity_type=")
        return cls.__definition

    def identity(self) -> dict[str, Any]:
        """The components of the primary key, which identify this entity."""
        return {name: getattr(self, name) for name in self.definition().primary.components}

    def content(self) -> dict[str, Any]:
        """The entity's own fields, without those the library keeps: what two equal things share."""
        return {name: value for name, value in self if name not in MANAGED_FIELDS - {"expires_at"}}


def _define(entity: type[Entity], table: Table, entity_type: str, schema_version: int) -> EntityDefinition:
    if not _ENTITY_TYPE.fullmatch(entity_type) or entity_type == SENTINEL:
        raise DefinitionError(f"{entity.__name__}: entity type {entity_type!r} is not a plain word, or is reserved")
    if not entity.__pydantic_complete__:
        _complete(entity)
    declared = _declared(entity)
    primaries = [item for item in declared.items() if isinstance(item[1], PrimaryKey)]
    if len(primaries) != 1:
        raise DefinitionError(f"{entity.__name__}: an entity has one PrimaryKey, this has {len(primaries)}")
    name, primary = cast("tuple[str, PrimaryKey]", primaries[0])
    definition = EntityDefinition(
        entity=entity,
        entity_type=entity_type,
        table=table,
        schema_version=schema_version,
        primary=_primary(entity, table, name, primary),
        indexes=_indexes(entity, table, declared),
        uniques=tuple(_uniques(entity, table, entity_type, declared)),
        attributes=attribute_names(entity, table),
        validation_keys=validation_keys(entity),
        upgraders=_upgraders(entity, schema_version, declared),
        validators=FieldValidators(entity),
    )
    _refuse_clashes(definition)
    return definition


def _complete(entity: type[Entity]) -> None:
    try:
        entity.model_rebuild(_parent_namespace_depth=6)
    except PydanticUndefinedAnnotation as error:
        raise DefinitionError(f"{entity.__name__}: a field's type is not known here: {error.name}") from error


def _declared(entity: type[Entity]) -> dict[str, object]:
    """The declarations of the class and its bases; the most derived one wins."""
    found: dict[str, object] = {}
    for base in reversed(entity.__mro__):
        kinds = (PrimaryKey, Index, Unique, Upgrader)
        found |= {name: value for name, value in vars(base).items() if isinstance(value, kinds)}
    return found


def _primary(entity: type[Entity], table: Table, name: str, declared: PrimaryKey) -> BoundKey:
    key = bind_key(entity, table, name, None, declared.partition, declared.sort)
    for component in key.components:
        if component == "created_at" or _takes_none(entity, component):
            raise DefinitionError(f"{entity.__name__}: {component!r} may be None and cannot be part of the primary key")
    return key


def _takes_none(entity: type[Entity], field: str) -> bool:
    annotation = entity.model_fields[field].annotation
    return annotation is None or type(None) in getattr(annotation, "__args__", ())


def _indexes(entity: type[Entity], table: Table, declared: dict[str, object]) -> tuple[BoundKey, ...]:
    bound: dict[str, BoundKey] = {}
    for name, declaration in declared.items():
        if not isinstance(declaration, Index):
            continue
        index = next((known for known in table.indexes if known.name == declaration.index.name), None)
        if index is None:
            raise DefinitionError(f"{entity.__name__}.{name}: {table.name} has no index {declaration.index.name}")
        if index.name in bound:
            raise DefinitionError(f"{entity.__name__}: {name} and {bound[index.name].name} both use {index.name}")
        bound[index.name] = bind_key(entity, table, name, index, declaration.partition, declaration.sort)
    return tuple(bound.values())


def _uniques(entity: type[Entity], table: Table, entity_type: str, declared: dict[str, object]) -> Iterator[UniqueKey]:
    seen: set[frozenset[str]] = set()
    for declaration in declared.values():
        if not isinstance(declaration, Unique):
            continue
        fields = frozenset(declaration.fields)
        if not fields or fields in seen:
            raise DefinitionError(f"{entity.__name__}: Unique needs fields, and the same fields only once")
        seen.add(fields)
        if any(attribute.type != "S" for attribute in table.attributes):
            raise DefinitionError(f"{entity.__name__}: Unique needs a table whose primary key is text")
        places = "#".join(f"{{{name}}}" for name in declaration.fields)
        text = f"UNIQUE#{entity_type}#{'+'.join(declaration.fields)}#{places}"
        yield UniqueKey(
            declaration.fields, bind_part(entity, table, table.partition_key, text, encode=unordered_encoder_for)
        )


def _upgraders(entity: type[Entity], schema_version: int, declared: dict[str, object]) -> dict[int, Any]:
    found = {item.from_version: item.function for item in declared.values() if isinstance(item, Upgrader)}
    if set(found) != set(range(1, schema_version)):
        raise DefinitionError(
            f"{entity.__name__}: schema_version {schema_version} needs one upgrader from each version below it"
        )
    return found


def _refuse_clashes(definition: EntityDefinition) -> None:
    """No field may be stored under a name the library or another key uses, unless it holds the very same value."""
    table, name = definition.table, definition.name
    for field in definition.attributes:
        if field in vars(Entity):
            raise DefinitionError(f"{name}.{field}: every entity has {field!r} already; give the field another name")
    templates = {part.attribute.name: part.template for key in definition.keys for part in key.parts}
    reserved = {*table.managed.names(), table.ttl_attribute}
    for field, attribute in definition.attributes.items():
        if field in MANAGED_FIELDS:
            continue
        if attribute in reserved:
            raise DefinitionError(f"{name}.{field}: attribute {attribute!r} is kept by the library")
        keyed = attribute in {key.name for key in table.key_attributes}
        template = templates.get(attribute)
        if keyed and not (template is not None and template.whole and template.components == (field,)):
            raise DefinitionError(f"{name}.{field}: attribute {attribute!r} is a key attribute of {table.name}")
