"""Choosing lines by lot, the same lot for the same files, and asking the library what it would take."""

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

from aircraftops_data.entities.values import icao24_of_n_number, n_number

T = TypeVar("T")
Record = dict[str, str]


def rank(purpose: str, key: str) -> str:
    """A place in an order that has nothing to do with the contents."""
    return hashlib.sha256(f"{purpose}|{key}".encode()).hexdigest()


def cut(records: Iterable[Record], count: int, key: str) -> list[Record]:
    """`count` values of the column `key` by lot, and all records with them, in the order they came."""
    records = list(records)
    chosen = set(sorted({record[key] for record in records}, key=lambda value: rank(key, value))[:count])
    return [record for record in records if record[key] in chosen]


def accepts(normalise: Callable[[str], object], text: str) -> bool:
    """Whether the library takes this text."""
    try:
        normalise(text)
    except ValueError:
        return False
    return True


def address(mark: str) -> str:
    """The ICAO 24-bit address of a US mark, with or without its N; nothing for any other text."""
    try:
        return icao24_of_n_number(n_number(mark))
    except ValueError:
        return ""
