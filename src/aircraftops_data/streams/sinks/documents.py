"""What a search index holds of entities: which fields, under which id, and what a change does to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from aircraftops_data.errors import DefinitionError, InvalidInputError, InvalidValueError
from aircraftops_data.model.definition import MANAGED_FIELDS, ItemView
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import privacy_of
from aircraftops_data.streams.change import Change, Operation, digits_of
from aircraftops_data.streams.sinks.age import age_of
from aircraftops_data.streams.sinks.telling import Fields, plain, told_fields

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
    place: str
    age: int | None
    """None for a removal that does not say what it removed."""
    document: Document | None
    """None for a removal."""


class Documents:
    """Makes the documents of the entities in `fields`; None stands for all that is neither private nor the library's.

    Of models inside a field, marked fields are left out. Raises DefinitionError for a field that an entity does not
    have or that is SECRET, for a key with a private component that is not named, since hits tell keys; for two entities
    of one type, and where there is nothing to index.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = {entity: told_fields(entity, names, but=MANAGED_FIELDS) for entity, names in fields.items()}
        self._entities = {entity.definition().entity_type: entity for entity in self.fields}
        if not all(self.fields.values()) or not self.fields:
            raise DefinitionError("A search index needs entities, and a field of each")
        if len(self._entities) < len(self.fields):
            raise DefinitionError("Two entities of one type need a search index each")
        for entity, told in self.fields.items():
            if hidden := {*entity.definition().primary.components} & privacy_of(entity).keys() - {*told}:
                raise DefinitionError(f"{entity.__name__}: hits tell the key, of which {min(hidden)} is private")

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

    def actions(self, changes: Sequence[Change[Any]]) -> tuple[list[Action], dict[int, Exception]]:
        """What to do for these changes, in their order, and why nothing can be done for some; nothing is behind those.

        Raises InvalidInputError for a change of an entity that is not indexed.
        """
        actions: list[Action] = []
        failed: dict[int, Exception] = {}
        stopped: set[str] = set()
        for change in changes:
            self.entity_types(_entity_of(change))
        for number, change in enumerate(changes):
            try:
                if not stopped or change.place not in stopped:
                    actions.append(self._action(number, change))
            except InvalidInputError as error:
                failed[number] = error
                stopped.add(change.place)
        return actions, failed

    def hit(self, entity_type: str, identity: Mapping[str, Any], fields: Mapping[str, Any], score: float) -> Hit:
        """What was found, as it was kept."""
        entity = self._entities[entity_type]
        definition = entity.definition()
        typed = {name: definition.coerce(name, value) for name, value in identity.items()}
        return Hit(entity, typed, score, dict(fields))

    def _action(self, number: int, change: Change[Any]) -> Action:
        document = None if change.operation is Operation.REMOVE else self._document(change)
        (entity_type,) = self.entity_types(change.entity)
        known = _id(entity_type, change.keys)
        return Action(number=number, id=known, place=change.place, age=age_of(change), document=document)

    def _document(self, change: Change[Any]) -> Document:
        entity = change.new
        if entity is None:
            raise InvalidInputError(
                f"A change of {_entity_of(change).__name__} came without its new image: "
                "the view of the table's stream must be NEW_AND_OLD_IMAGES (or NEW_IMAGE)"
            )
        values = {name: getattr(entity, name) for name in self.fields[type(entity)]}
        fields = _plain({name: value for name, value in values.items() if value is not None})
        return Document(
            entity=entity.definition().entity_type,
            identity=_plain(entity.identity()),
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
    # SQLite takes NUL for the end of a query; half a character is none for either index.
    whole = text.replace("\0", " ").encode(errors="replace").decode()
    return [word for word in whole.split() if any(sign.isalnum() for sign in word)]


def _entity_of(change: Change[Any]) -> type[Entity]:
    if change.entity is None:
        raise InvalidInputError("A change of no entity that is known cannot be put in a search index")
    return change.entity


def _id(entity_type: str, key: ItemView) -> str:
    """Digits and not the key itself, which may be longer than OpenSearch takes (512 bytes)."""
    return digits_of(entity_type, key)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value, partial(_single, name=name)) for name, value in values.items()}


def _single(value: Any, name: str) -> Any:
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
