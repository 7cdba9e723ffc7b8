"""What a search index holds of entities: which fields, under which id, and what a change does to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from aircraftops_data.errors import DefinitionError, InvalidInputError, InvalidValueError
from aircraftops_data.model.definition import MANAGED_FIELDS, ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import PrivacyKind, privacy_of
from aircraftops_data.streams.change import Change, Operation
from aircraftops_data.streams.sinks.age import age_of
from aircraftops_data.streams.sinks.sink import Refused

Fields = Mapping[type[Entity], Sequence[str] | None]
"""What to index: fields by name, or None for all those that are not private and not kept by the library."""

MOST_HITS = 10_000


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: `core.get(hit.entity, **hit.identity)` reads it."""

    entity: type[Entity]
    identity: dict[str, Any]
    score: float
    """The higher the better; compares with those of the same answer alone."""
    fields: dict[str, Any]
    """The indexed fields that have a value, as JSON has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is kept of an entity."""

    entity: str
    identity: dict[str, Any]
    fields: dict[str, Any]
    text: list[str]
    """What it is found by: the words and numbers in its fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What one change does to the index."""

    number: int
    """Which change of the batch."""
    id: str
    age: int | None
    """None for a removal that does not say what it removed."""
    document: Document | None
    """None for a removal."""


class Refusals:
    """The changes of a batch that are not taken: those refused, and those of the same item behind one."""

    def __init__(self, changes: Sequence[Change[Any]]) -> None:
        self._changes = changes
        self._errors: dict[int, Exception] = {}
        self._places: dict[str, Exception] = {}

    def add(self, number: int, error: Exception) -> None:
        """Refuse a change."""
        self._errors[number] = error
        self._places.setdefault(self._changes[number].place, error)

    def is_behind(self, number: int) -> bool:
        """Whether a change comes behind one of its item that was refused; it is refused then too, for that reason."""
        error = self._places.get(self._changes[number].place) if self._places else None
        if error is not None:
            self._errors.setdefault(number, error)
        return error is not None

    def listed(self) -> list[Refused]:
        """All of them, in their order."""
        return [Refused(self._changes[number], error) for number, error in sorted(self._errors.items())]


class Documents:
    """Makes the documents of the entities in `fields`.

    Fields marked PERSONAL are among them only where given by name, those marked SECRET never; of models inside a
    field, marked fields are left out. Raises DefinitionError for a field that an entity does not have or that is
    SECRET, and where there is nothing to index.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = {entity: _checked(entity, names) for entity, names in fields.items()}
        self._entities = {entity.definition().entity_type: entity for entity in self.fields}
        if not all(self.fields.values()) or not self.fields:
            raise DefinitionError("A search index needs entities, and a field of each")

    def entity_types(self, entity: type[Entity] | None = None) -> list[str]:
        """The type of an entity, or of all for None. Raises InvalidInputError for one that is not indexed."""
        if entity is None:
            return list(self._entities)
        if entity not in self.fields:
            raise InvalidInputError(f"{entity.__name__} is not among the entities of this search index")
        return [entity.definition().entity_type]

    def id_of(self, entity: type[Entity], identity: Mapping[str, Any]) -> str:
        """The id of the document of an entity. Raises InvalidInputError."""
        (entity_type,) = self.entity_types(entity)
        return _id(entity_type, entity.definition().identify(identity))

    def actions(self, changes: Sequence[Change[Any]]) -> tuple[list[Action], Refusals]:
        """What to do for these changes, in their order, and those for which nothing can be done.

        Raises InvalidInputError for a change of an entity that is not indexed.
        """
        refusals = Refusals(changes)
        for change in changes:
            self.entity_types(_entity_of(change))
        found = [self._action(number, change, refusals) for number, change in enumerate(changes)]
        return [action for action in found if action is not None], refusals

    def hit(self, entity_type: str, identity: Mapping[str, Any], fields: Mapping[str, Any], score: float) -> Hit:
        """What was found, as it was kept."""
        entity = self._entities[entity_type]
        definition = entity.definition()
        typed = {name: definition.coerce(name, value) for name, value in identity.items()}
        return Hit(entity, typed, score, dict(fields))

    def _action(self, number: int, change: Change[Any], refusals: Refusals) -> Action | None:
        if refusals.is_behind(number):
            return None
        try:
            document = None if change.operation is Operation.REMOVE else self._document(change)
            (entity_type,) = self.entity_types(change.entity)
            return Action(number=number, id=_id(entity_type, change.keys), age=age_of(change), document=document)
        except InvalidInputError as error:
            refusals.add(number, error)
            return None

    def _document(self, change: Change[Any]) -> Document:
        entity = change.new
        if entity is None:
            raise InvalidInputError(
                f"A change of {_entity_of(change).__name__} came without its new image: "
                "the view of the table's stream must be NEW_AND_OLD_IMAGES (or NEW_IMAGE)"
            )
        values = {name: getattr(entity, name) for name in self.fields[type(entity)]}
        fields = {name: _plain(value, name) for name, value in values.items() if value is not None}
        return Document(
            entity=entity.definition().entity_type,
            identity={name: _plain(value, name) for name, value in entity.identity().items()},
            fields=fields,
            text=[word for value in fields.values() for word in _texts(value)],
        )


def checked_limit(limit: int) -> int:
    """How many hits are asked for. Raises InvalidInputError unless from 1 to 10,000, OpenSearch's own limit."""
    if not 1 <= limit <= MOST_HITS:
        raise InvalidInputError(f"limit is from 1 to {MOST_HITS}, not {limit}")
    return limit


def words_of(text: str) -> list[str]:
    """The words somebody searches for: what is between blanks, if it has a letter or a digit."""
    # SQLite takes NUL for the end of a query.
    return [word for word in text.replace("\0", " ").split() if any(sign.isalnum() for sign in word)]


def _entity_of(change: Change[Any]) -> type[Entity]:
    if change.entity is None:
        raise InvalidInputError("A change of no entity that is known cannot be put in a search index")
    return change.entity


def _id(entity_type: str, key: ItemView) -> str:
    """Digits and not the key itself, which may be longer than OpenSearch takes (512 bytes)."""
    named = [entity_type, sorted((name, sorted(value.items())) for name, value in key.items())]
    return sha256(to_json(named, bytes_mode="hex")).hexdigest()[:32]


def _checked(entity: type[Entity], names: Sequence[str] | None) -> tuple[str, ...]:
    private = privacy_of(entity)
    known = entity.model_fields
    if names is None:
        return tuple(name for name in known if name not in private and name not in MANAGED_FIELDS)
    for name in names:
        if name not in known:
            raise DefinitionError(f"{entity.__name__} has no field {name!r} to index", entities=(entity.__name__,))
        if private.get(name) is PrivacyKind.SECRET:
            raise DefinitionError(f"{entity.__name__}.{name} is SECRET: it goes into no search index")
    return tuple(dict.fromkeys(names))


def _plain(value: Any, name: str) -> Any:
    """A value as JSON has it, without the private fields of models in it."""
    if isinstance(value, BaseModel):
        private = privacy_of(type(value))
        return {inner: _plain(part, name) for inner, part in value if inner not in private}
    inside: Any = value
    if isinstance(value, Mapping):
        return {str(_plain(key, name)): _plain(part, name) for key, part in inside.items()}
    if isinstance(value, list | tuple | deque | Set):
        return [_plain(part, name) for part in inside]
    try:
        return to_jsonable_python(value, bytes_mode="base64")
    except PydanticSerializationError:
        raise InvalidValueError(f"the value of {name!r} cannot be put in a search index") from None


def _texts(value: Any) -> Iterator[str]:
    inside: Any = value
    if isinstance(value, dict | list):
        for part in inside.values() if isinstance(value, dict) else inside:
            yield from _texts(part)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
