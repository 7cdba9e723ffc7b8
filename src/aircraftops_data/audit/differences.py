"""What changed between two states of an entity, field by field, without what is private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import AttributeValue
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import PrivacyKind, PrivatePart, privacy_of, private_parts
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.values import decode_value, encode_instant


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that changed: plain values as they are stored, None for none.

    `redacted` says that something was left out, and why: the values of a marked field (both None then), or the marked
    fields of a model in it (None in its map).
    """

    field: str
    before: Any
    after: Any
    redacted: PrivacyKind | None = None


def changes_between(before: Entity | None, after: Entity | None) -> list[Difference]:
    """The entity's own fields that differ, sorted by name; what the library keeps is left out, but for the expiry.

    None stands for "there was none" and "it is gone": then those fields differ that hold another value than their
    default. Raises InvalidInputError for entities of two kinds.
    """
    if before is not None and after is not None and type(before) is not type(after):
        raise InvalidInputError(f"A {type(before).__name__} does not become a {type(after).__name__}")
    known = after if before is None else before
    if known is None:
        return []
    whole = before is None or after is None
    found = [
        _difference(type(known), name, _value(before, name), _value(after, name)) for name in sorted(known.content())
    ]
    return [each for each in found if each is not None and not (whole and _is_default(known, each.field))]


def _value(entity: Entity | None, name: str) -> Any:
    return None if entity is None else getattr(entity, name)


def _difference(entity: type[Entity], name: str, before: Any, after: Any) -> Difference | None:
    """How a field differs; None where what is stored for it is the same."""
    if before is after:
        return None
    mark = privacy_of(entity).get(name)
    if mark is not None:
        return None if before == after else Difference(name, None, None, mark)
    was, becomes = _stored(entity, name, before), _stored(entity, name, after)
    if was == becomes:
        return None
    hidden, hides = list(private_parts(before)), list(private_parts(after))
    kinds = sorted({kind for _, kind in hidden + hides}, reverse=True)
    return Difference(name, _plain(was, hidden), _plain(becomes, hides), kinds[0] if kinds else None)


def _stored(entity: type[Entity], name: str, value: Any) -> AttributeValue | None:
    if value is None:
        return None
    # An instant reads better than the seconds that DynamoDB's TTL counts.
    return encode_instant(value) if name == "expires_at" else codec_of(entity.definition()).field(name, value)


def _plain(stored: AttributeValue | None, hidden: Sequence[PrivatePart]) -> Any:
    plain = None if stored is None else decode_value(stored)
    for path, _ in hidden:
        plain = _without(plain, path)
    return plain


def _without(plain: Any, path: tuple[str | int, ...]) -> Any:
    """A value, altered, without what lies there; without all of it where it is not shaped as its model is."""
    if not path or not _has(plain, path[0]):
        return None
    plain[path[0]] = _without(plain[path[0]], path[1:])
    return plain


def _has(plain: Any, place: str | int) -> bool:
    if isinstance(plain, list):
        return isinstance(place, int) and place < len(plain)  # pyright: ignore[reportUnknownArgumentType]
    return isinstance(plain, dict) and place in plain


def _is_default(entity: Entity, name: str) -> bool:
    field, value = type(entity).model_fields[name], getattr(entity, name)
    if field.default_factory_takes_validated_data:
        return False
    return bool(value == field.get_default(call_default_factory=True))
