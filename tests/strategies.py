"""Hypothesis strategies for keys and values: whatever DynamoDB can hold and a user may come up with."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

# What key templates trip over: the separator, the escape, their neighbours, controls, the edges of UTF-8's lengths.
AWKWARD = "#%$&\"! '\x00\x01\t\n\x1f\x7f\x80\xe9\u07ff\u0800\u2028\uffff\U00010000\U0001f6e9\U0010ffff" + "0129AFafZ"


def awkward_texts(max_size: int = 6) -> st.SearchStrategy[str]:
    """Short texts of few characters: many begin alike, hold separators, or look like escapes."""
    looks_escaped = st.sampled_from(["%", "%2", "%23", "%25", "%2523", "%00", "#", "##", "", "%2a", "%26"])
    return st.text(st.sampled_from(AWKWARD), max_size=max_size) | looks_escaped | st.text("ab#", max_size=4)


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Any text DynamoDB can hold, often an awkward one; empty too."""
    return awkward_texts() | st.text(max_size=max_size)


class Deck(enum.Enum):
    """An enum of texts, one of which holds separators."""

    UPPER = "UPPER"
    LOWER = "LOWER"
    ODD = "A#B%"


class Step(enum.IntEnum):
    """An enum of numbers, below and above zero."""

    BACK = -1
    NONE = 0
    ON = 10


def zoned() -> st.SearchStrategy[datetime]:
    """Instants in any time zone, far enough from both ends of time to have a UTC form."""
    minutes = st.integers(-1439, 1439).map(lambda count: timezone(timedelta(minutes=count)))
    first, last = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 - Hypothesis takes its bounds naive
    return st.datetimes(first, last, timezones=minutes | st.just(UTC))


_WIDE = Context(prec=60)


def decimals_of(width: int, scale: int) -> st.SearchStrategy[Decimal]:
    """Exact decimals that fit a number component of this width and scale."""
    limit = 10**width - 1
    return st.integers(-limit, limit).map(lambda digits: Decimal(digits).scaleb(-scale, _WIDE))


def _exact(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """A type a key component can have: its annotation, the width in templates, its values, and their order."""

    name: str
    annotation: Any
    spec: str
    values: st.SearchStrategy[Any]
    order: Callable[[Any], Any] = _exact

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind("text", str, "", texts()),
    Kind("int", int, "3", st.integers(-999, 999)),
    Kind("long int", int, "38", st.integers(1 - 10**38, 10**38 - 1)),
    Kind("decimal", Decimal, "6.2", decimals_of(6, 2)),
    Kind("long decimal", Decimal, "38.5", decimals_of(38, 5)),
    Kind("float", float, "9.3", st.integers(1 - 10**9, 10**9 - 1).map(lambda digits: digits / 1000), float),
    Kind("instant", datetime, "", zoned()),
    Kind("date", date, "", st.dates()),
    Kind("bool", bool, "", st.booleans()),
    Kind("enum of texts", Deck, "", st.sampled_from(Deck), lambda deck: deck.value),
    Kind("enum of numbers", Step, "2", st.sampled_from(Step)),
    Kind("uuid", UUID, "", st.uuids()),
)


# Numbers


def numbers() -> st.SearchStrategy[int | Decimal]:
    """Every number DynamoDB can hold: up to 38 digits, from 1E-130 to 9.99E+125, of either sign."""
    digits = st.integers(0, 38).flatmap(lambda size: st.integers(0, 10**size - 1))
    return (
        st.integers(-1000, 1000)
        | st.integers(1 - 10**38, 10**38 - 1)
        | st.builds(_number, st.booleans(), digits, st.integers(-130, 125))
    )


def _number(negative: bool, digits: int, magnitude: int) -> Decimal:
    """The number whose first digit counts 10^magnitude."""
    text = str(digits)
    return Decimal(f"{'-' * negative}{text[0]}.{text[1:] or '0'}E{magnitude}") if digits else Decimal(0)


# Values


def names() -> st.SearchStrategy[str]:
    """Names of attributes and of what maps hold: any text but the empty one."""
    return texts().filter(bool)


def plain_values(max_leaves: int = 12) -> st.SearchStrategy[Any]:
    """Any value DynamoDB can hold, in the Python form it is read back in, nested."""
    sets = (
        st.sets(texts(), min_size=1, max_size=4)
        | st.sets(numbers(), min_size=1, max_size=4)
        | st.sets(st.binary(max_size=6), min_size=1, max_size=4)
    )
    leaves = texts() | numbers() | st.binary(max_size=12) | st.booleans() | st.none() | sets
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names(), inner, max_size=4),
        max_leaves=max_leaves,
    )


def stored_values(max_leaves: int = 8) -> st.SearchStrategy[dict[str, Any]]:
    """Any attribute value as the engine gives it: one type, one value."""
    number = numbers().map(str)
    leaves = (
        st.fixed_dictionaries({"S": texts()})
        | st.fixed_dictionaries({"N": number})
        | st.fixed_dictionaries({"B": st.binary(max_size=12)})
        | st.fixed_dictionaries({"BOOL": st.booleans()})
        | st.just({"NULL": True})
        | st.fixed_dictionaries({"SS": st.lists(texts(), min_size=1, max_size=3, unique=True)})
        | st.fixed_dictionaries({"NS": st.lists(number, min_size=1, max_size=3, unique=True)})
        | st.fixed_dictionaries({"BS": st.lists(st.binary(max_size=4), min_size=1, max_size=3, unique=True)})
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"M": st.dictionaries(names(), inner, max_size=3)})
        ),
        max_leaves=max_leaves,
    )


# Templates

WORDS = ("JOB", "JOBS", "A", "AB", "B73")
NAMES = ("one", "two", "three")


@st.composite
def templates(draw: st.DrawFn, names: tuple[str, ...] = NAMES, words: tuple[str, ...] = WORDS) -> str:
    """A key template over some of these components, each at most once, between literals."""
    chosen = draw(st.permutations(names).flatmap(lambda order: st.integers(0, len(order)).map(lambda n: order[:n])))
    parts = [f"{{{name}}}" for name in chosen]
    for word in draw(st.lists(st.sampled_from(words), min_size=0 if parts else 1, max_size=2)):
        parts.insert(draw(st.integers(0, len(parts))), word)
    return "#".join(parts)
