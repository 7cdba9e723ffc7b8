"""Which fields of an entity name people or hold secrets, so that what is told of a change leaves them out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, NewType, cast, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr


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
def privacy_of(model: type[BaseModel]) -> Mapping[str, PrivacyKind]:
    """The marked fields of an entity or a model, by name.

    A mark counts for its whole field wherever in the annotation it stands (`list[Annotated[str, SECRET]] | None`);
    pydantic's SecretStr and its like need none. The fields of models inside are their own: see `private_parts`.
    """
    found: dict[str, PrivacyKind] = {}
    for name, field in model.model_fields.items():
        kinds = {*_kinds(field.annotation), *(mark.kind for mark in field.metadata if isinstance(mark, Privacy))}
        if kinds:
            found[name] = PrivacyKind.SECRET if PrivacyKind.SECRET in kinds else PrivacyKind.PERSONAL
    return MappingProxyType(found)


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
            found |= {PrivacyKind.SECRET} if _is_secret(part) else set()
    return found


def _parts(annotation: Any) -> Iterator[Any]:
    """What a type is made of. Beside a type, Annotated holds what may be anything; only our marks count there."""
    first, *rest = get_args(annotation) or (None,)
    yield first
    yield from (part for part in rest if get_origin(annotation) is not Annotated or isinstance(part, Privacy))
    if isinstance(annotation, NewType):
        yield annotation.__supertype__
    yield getattr(annotation, "__value__", None)


def _is_secret(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, _SECRETS)


def private_parts(value: Any) -> Iterator[PrivatePart]:
    """Where the marked fields of the models in a value lie once it is stored: names as stored, places in lists."""
    if isinstance(value, BaseModel):
        marked = privacy_of(type(value))
        for name, field in type(value).model_fields.items():
            if field.exclude:
                continue
            stored = field.serialization_alias or field.alias or name
            inner: Iterator[PrivatePart] = (
                iter([((), marked[name])]) if name in marked else private_parts(getattr(value, name))
            )
            yield from (((stored, *path), kind) for path, kind in inner)
    elif isinstance(value, Mapping | list | tuple | deque):
        holder = cast("Any", value)
        for place, part in holder.items() if isinstance(value, Mapping) else enumerate(holder):
            yield from (((place, *path), kind) for path, kind in private_parts(part))
