"""Finds secrets in what is about to be written down for good, by how they look and by what they are called."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, cast

from pydantic import SecretBytes, SecretStr

from aircraftops_data.audit.secret_kinds import (
    PATTERNS,
    SecretPattern,
    is_placeholder,
    kind_of_name,
    mark,
    may_be_number,
)
from aircraftops_data.errors import SecretFoundError

V = TypeVar("V")


class SecretPolicy(StrEnum):
    """What becomes of secrets."""

    REDACT = "redact"
    REFUSE = "refuse"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Found:
    """Something that looks like a secret: its kind, and where it stands (`user.keys.0`; "" for the value itself)."""

    kind: str
    path: str


def scan(value: Any) -> list[Found]:
    """The secrets in a value as JSON or `details_of` gives it: in its texts, whole numbers and names of maps.

    Private keys, keys and tokens of well-known services, JWTs, credentials in headers and URLs, `password=...`, card
    numbers, and whatever stands under a name that tells (`api_key`, `Set-Cookie`). It is a net, not a wall: a secret
    that looks like nothing and is called nothing is not found.
    """
    return redacted(value)[1]


def redacted(value: V) -> tuple[V, list[Found]]:
    """The value with `[redacted: kind]` for each secret, and what was found; the very value where that is nothing.

    Of a text the rest is kept; what stands under a name that tells is replaced whole.
    """
    found: list[Found] = []
    cleaned: Any = value
    # Without its neighbour a text may look like a secret; each turn leaves less that is no mark.
    while (patterns := _suspected(cleaned)) is not None:
        redaction = _Redaction(patterns)
        cleaner = redaction.value(cleaned, ())
        if not redaction.found:
            break
        cleaned, found = cleaner, found + redaction.found
    return cast("V", cleaned), found


def clean(value: V, policy: SecretPolicy, what: str) -> V:
    """The value as the policy has it. Raises SecretFoundError, which says where but never what, under `refuse`."""
    if policy is SecretPolicy.ALLOW:
        return value
    cleaned, found = redacted(value)
    if found and policy is SecretPolicy.REFUSE:
        places = tuple(".".join(filter(None, (what, each.path))) for each in found)
        told = "; ".join(f"{each.kind} @ {place}" for each, place in zip(found, places, strict=True))
        kinds = tuple(sorted({each.kind for each in found}))
        raise SecretFoundError(f"{what} holds what looks like secrets: {told}", kinds=kinds, places=places)
    return cleaned


# A quick look first: most values hold nothing that even resembles a secret.

_HINTS = sorted({hint for pattern in PATTERNS for hint in pattern.hints if not pattern.folded})
_FOLDED_HINTS = sorted({hint for pattern in PATTERNS for hint in pattern.hints if pattern.folded})


def _suspected(value: Any) -> list[SecretPattern] | None:
    """The patterns worth looking for; None where there is nothing to find at all."""
    texts, told = _texts(value)
    text = "\n".join(texts)
    lowered = text.lower()
    hints = {hint for hint in _HINTS if hint in text}
    hints.update(hint for hint in _FOLDED_HINTS if hint in lowered)
    hinted = [pattern for pattern in PATTERNS if not (pattern.hints and hints.isdisjoint(pattern.hints))]
    # What texts hold one by one, all of them joined by line ends hold too.
    found = [pattern for pattern in hinted if pattern.pattern.search(lowered if pattern.folded else text)]
    return found if found or told else None


def _texts(value: Any) -> tuple[list[str], bool]:
    """All texts in a value, and whether a name tells of a secret."""
    texts: list[str] = []
    told = False
    left: list[Any] = [value]
    while left:
        part = left.pop()
        kind = cast("Any", type(part))
        if kind is str:
            texts.append(part)
        elif kind is dict:
            names = [name for name in part if isinstance(name, str)]
            texts += names
            told = told or any(map(kind_of_name, names))
            left += part.values()
        elif kind is list:
            left += part
        elif kind is int:
            texts.append(_digits(part))
        elif part is not None and kind is not bool and kind is not float:
            left += _seen_as(part)
            told = told or isinstance(part, SecretStr | SecretBytes)
    return texts, told


def _digits(number: int | Decimal) -> str:
    """A number as text; nothing for one longer than any card's, which Python may refuse to write."""
    return "" if isinstance(number, int) and number.bit_length() > 64 else str(number)


def _seen_as(part: Any) -> Iterable[Any]:
    """What is looked at for a value that is no plain text, map or list."""
    if isinstance(part, int | Decimal):
        return (_digits(part),)
    if isinstance(part, bytes):
        return (part.decode("latin-1"),)
    if isinstance(part, str):
        return (str.__str__(part),)
    if isinstance(part, Mapping):
        return (dict(cast("Any", part)),)
    return cast("Iterable[Any]", part) if isinstance(part, tuple | deque | AbstractSet | list) else ()


# And a careful one.

Path = tuple[str, ...]


@dataclass(slots=True)
class _Redaction:
    """One careful look at a value, with the patterns worth looking for."""

    patterns: list[SecretPattern]
    found: list[Found] = field(default_factory=list[Found])

    def value(self, value: Any, path: Path) -> Any:
        """The value without its secrets."""
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping):
            return self._map(cast("Any", value), path)
        if isinstance(value, bytes):
            return self._text(value.decode("latin-1"), path).encode("latin-1")
        if isinstance(value, SecretStr | SecretBytes):
            return self._whole("secret", path)
        if isinstance(value, list | tuple | deque | AbstractSet):
            return self._parts(cast("Any", value), path)
        if isinstance(value, int | Decimal):
            text = _digits(value)
            cleaned = self._text(text, path)
            return value if cleaned == text else cleaned
        return value

    def _parts(self, value: Any, path: Path) -> Any:
        if isinstance(value, AbstractSet):
            # In no order: all stand at the place of the set.
            members = {self.value(part, path) for part in cast("Any", value)}
            return frozenset(members) if isinstance(value, frozenset) else members
        cleaned = [self.value(part, (*path, str(place))) for place, part in enumerate(value)]
        return tuple(cleaned) if isinstance(value, tuple) else cleaned

    def _map(self, value: Mapping[Any, Any], path: Path) -> dict[Any, Any]:
        cleaned: dict[Any, Any] = {}
        for name, part in value.items():
            known = self._text(name, path) if isinstance(name, str) else name
            while known in cleaned:
                known = f"{known}'"
            place = (*path, str(known))
            kind = kind_of_name(name) if isinstance(name, str) else None
            cleaned[known] = self._whole(kind, place) if kind and _is_secret(part, kind) else self.value(part, place)
        return cleaned

    def _whole(self, kind: str, path: Path) -> str:
        self.found.append(Found(kind, ".".join(path)))
        return mark(kind)

    def _text(self, text: str, path: Path) -> str:
        """A text without the secrets in it; of two that overlap nothing is left."""
        spans = sorted(span for pattern in self.patterns for span in pattern.spans(text))
        cleaned, done = "", 0
        for start, end, kind in spans:
            if start >= done:
                cleaned += text[done:start] + self._whole(kind, path)
            done = max(done, end)
        return cleaned + text[done:]


def _is_secret(value: Any, kind: str) -> bool:
    """Whether what stands under a name that tells can be a secret."""
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, int | float | Decimal):
        return may_be_number(kind)
    return not is_placeholder(value) if isinstance(value, str) else bool(value)
