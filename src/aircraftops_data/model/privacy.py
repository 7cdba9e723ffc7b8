"""Which fields of an entity name people or hold secrets, so that what is told of a change leaves them out."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, NewType, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, RootModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo


class PrivacyKind(StrEnum):
    """Why a value is not repeated elsewhere."""

    PERSONAL = "personal"
    SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Privacy:
    """A mark on a field: `name: Annotated[str, PERSONAL]`. It changes nothing of how the field is stored."""

    kind: PrivacyKind


PERSONAL = Privacy(PrivacyKind.PERSONAL)
"""Names a person, or says something of one."""
SECRET = Privacy(PrivacyKind.SECRET)
"""Opens something to whoever knows it."""

PrivatePart = tuple[tuple[str | int, ...], PrivacyKind]
"""Where in a stored value something private lies, and of what kind it is."""

_SECRETS = (SecretStr, SecretBytes, Secret)


@cache
def privacy_of(model: type[object]) -> Mapping[str, PrivacyKind]:
    """The marked fields of an entity, a model or a dataclass, by name.

    A mark counts for its whole field wherever in the annotation it stands (`list[Annotated[str, SECRET]] | None`);
    pydantic's SecretStr and its like need none. The fields of models inside are their own: see `private_parts`. Those
    of a TypedDict or a named tuple are not, for its values do not tell what they are, nor is a RootModel's one value.
    """
    found: dict[str, PrivacyKind] = {}
    for name, (annotation, marks) in _declared(model).items():
        kinds = {*_kinds(annotation), *(mark.kind for mark in marks if isinstance(mark, Privacy))}
        if kinds:
            found[name] = PrivacyKind.SECRET if PrivacyKind.SECRET in kinds else PrivacyKind.PERSONAL
    return MappingProxyType(found)


def _declared(model: type[object]) -> Mapping[str, tuple[Any, Sequence[Any]]]:
    """The type of each field, and what stands beside it."""
    if issubclass(model, BaseModel):
        return {name: (field.annotation, field.metadata) for name, field in model.model_fields.items()}
    return {name: (hint, ()) for name, hint in get_type_hints(model, include_extras=True).items()}


def _kinds(annotation: Any) -> set[PrivacyKind]:
    """The marks anywhere in a type, but for those inside a model's fields."""
    found: set[PrivacyKind] = set()
    left, seen = [annotation], list[Any]()
    while left:
        part = left.pop()
        # A type alias may speak of itself.
        if not any(part is known for known in seen):
            seen.append(part)
            left += _parts(part)
            found |= {part.kind} if isinstance(part, Privacy) else set()
            found |= {PrivacyKind.SECRET} if _is_a(part, *_SECRETS) else set()
    return found


def _parts(annotation: Any) -> Iterator[Any]:
    """What a type is made of. Beside a type, Annotated holds what may be anything; only our marks count there."""
    first, *rest = get_args(annotation) or (None,)
    yield first
    yield from (part for part in rest if get_origin(annotation) is not Annotated or isinstance(part, Privacy))
    if isinstance(annotation, NewType):
        yield annotation.__supertype__
    elif _is_a(annotation, dict, tuple, RootModel):
        for kind, marks in _declared(get_origin(annotation) or annotation).values():
            yield from (kind, *marks)
    yield getattr(annotation, "__value__", None)


def _is_a(annotation: Any, *kinds: type) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, kinds)


def members_of(value: Any) -> list[tuple[str, Any, PrivacyKind | None]] | None:
    """What a model or a dataclass holds, by name, and how it is marked; None for anything else."""
    if isinstance(value, BaseModel):
        held = dict(value)
    elif is_dataclass(value):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
    else:
        return None
    marked = privacy_of(cast("Hashable", type(value)))
    return [(name, part, marked.get(name)) for name, part in held.items()]


def private_parts(value: Any) -> Iterator[PrivatePart]:
    """Where the marked fields of what is in a value lie once it is stored: names as stored, places in lists."""
    members = members_of(value)
    if members is not None:
        declared: Mapping[str, FieldInfo] = getattr(value, "__pydantic_fields__", {})
        for name, part, mark in members:
            field = declared.get(name)
            if field is not None and field.exclude:
                continue
            stored = name if field is None else field.serialization_alias or field.alias or name
            inner: Iterator[PrivatePart] = private_parts(part) if mark is None else iter([((), mark)])
            own = () if isinstance(value, RootModel) else (stored,)
            yield from (((*own, *path), kind) for path, kind in inner)
    elif isinstance(value, Mapping | list | tuple | deque):
        holder = cast("Any", value)
        for place, part in holder.items() if isinstance(value, Mapping) else enumerate(holder):
            yield from (((place, *path), kind) for path, kind in private_parts(part))
