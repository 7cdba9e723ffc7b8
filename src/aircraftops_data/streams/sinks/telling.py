"""What sinks tell of a change and of its entity: never a secret, and what is personal only where it is named."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import RootModel

from aircraftops_data.errors import DefinitionError, InvalidInputError
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import PrivacyKind, members_of, privacy_of
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.age import age_of, image_of

Fields = Mapping[type[Entity], Sequence[str] | None]
"""What to tell of entities: fields by name, or None for all that are not private."""


def told_fields(entity: type[Entity], names: Sequence[str] | None, but: Collection[str] = ()) -> tuple[str, ...]:
    """The fields with these names; for None all that are neither marked PERSONAL or SECRET nor among `but`.

    Raises DefinitionError for a name that the entity does not have or that is SECRET.
    """
    private = privacy_of(entity)
    if names is None:
        return tuple(name for name in entity.model_fields if name not in private and name not in but)
    for name in names:
        if name not in entity.model_fields:
            raise DefinitionError(f"{entity.__name__} has no field {name!r}", entities=(entity.__name__,))
        if private.get(name) is PrivacyKind.SECRET:
            raise DefinitionError(f"{entity.__name__}.{name} is secret: it goes into no sink")
    return tuple(names)


def held_by(change: Change[Any]) -> Mapping[str, Any]:
    """The fields of what a change left; the components of the primary key where the stream's view leaves that out."""
    image = image_of(change)
    return change.identity if image is None else image.__dict__


def about(change: Change[Any]) -> dict[str, Any]:
    """What is known of a change besides its images; no field's name begins with an underscore."""
    image = image_of(change)
    return {
        "_operation": change.operation.value,
        "_cause": change.cause.value,
        "_sequence": None if change.sequence is None else change.order,
        "_event_id": change.event_id,
        "_at": change.at,
        "_place": change.place,
        "_version": None if image is None else image.version,
        "_age": _age(change),
    }


def _age(change: Change[Any]) -> int | None:
    try:
        return age_of(change)
    except InvalidInputError:
        # An item that this library did not write.
        return None


def plain(value: Any, single: Callable[[Any], Any]) -> Any:
    """A value as JSON has it, without the marked fields of what is in it; `single` says it of what holds no others.

    Sets become lists, in order.
    """
    members = members_of(value)
    if members is not None:
        told = {name: plain(part, single) for name, part, mark in members if mark is None}
        return told.get("root") if isinstance(value, RootModel) else told
    if isinstance(value, Mapping):
        held = cast("dict[Any, Any]", value)
        return {str(plain(name, single)): plain(part, single) for name, part in held.items()}
    if isinstance(value, set | frozenset | list | tuple | deque):
        parts = [plain(part, single) for part in cast("Iterable[Any]", value)]
        return sorted(parts, key=_order) if isinstance(value, set | frozenset) else parts
    return single(value)


def _order(value: Any) -> tuple[str, Any]:
    """Numbers by their size, everything else by its text."""
    return ("", value) if isinstance(value, int | float) else (type(value).__name__, str(value))
