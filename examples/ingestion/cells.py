"""The cells of a line, read as values; what is wrong with them is gathered, so that a line tells all its faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import ValidationError

from aircraftops_data import Entity
from ingestion.quarantine import Reason, ReasonKind

T = TypeVar("T")
E = TypeVar("E", bound=Entity)
V = TypeVar("V", bound=StrEnum)


class Cells:
    """A line's cells by column. `nulls` are the file's words for nothing, beside the empty cell."""

    def __init__(self, cells: Mapping[str, str], nulls: frozenset[str] = frozenset()) -> None:
        self._cells = cells
        self._nulls = nulls
        self.reasons: list[Reason] = []

    def text(self, column: str) -> str | None:
        """A cell, None for nothing."""
        found = self._cells.get(column, "")
        return None if not found or found in self._nulls else found

    def refuse(self, kind: ReasonKind, field: str = "", text: str = "") -> None:
        """Note what is wrong with the line."""
        self.reasons.append(Reason(kind=kind, field=field, text=text))

    def take(self, field: str, column: str, convert: Callable[[str], T]) -> T | None:
        """The value of a cell that may be empty."""
        text = self.text(column)
        if text is None:
            return None
        try:
            return convert(text)
        except ValueError as error:
            self.refuse(ReasonKind.INVALID, field, str(error))
            return None

    def need(self, field: str, column: str, convert: Callable[[str], T]) -> T | None:
        """The value of a cell the line says nothing without; None only where that is noted as a fault."""
        if self.text(column) is None:
            self.refuse(ReasonKind.MISSING, field)
        return self.take(field, column, convert)

    def entity(self, made: type[E], **values: Any) -> E | None:
        """An entity of what was read; None where something is wrong with the line. Values that are None are not set."""
        if self.reasons:
            return None
        try:
            return made.model_validate({name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            for problem in error.errors(include_input=False, include_context=False, include_url=False):
                self.refuse(ReasonKind.INVALID, ".".join(map(str, problem["loc"])), problem["msg"])
            return None


def year(text: str) -> int | None:
    """A year; 0000 is none. Raises ValueError."""
    if not re.fullmatch("0000|(19|20)[0-9]{2}", text):
        raise ValueError("not a year of the 20th or 21st century")
    return int(text) or None


def year_of_date(text: str) -> int | None:
    """The year of a day that stands for it, as 2015-01-01. Raises ValueError."""
    return day(text).year


def day(text: str) -> date:
    """A day as yyyymmdd or yyyy-mm-dd. Raises ValueError, which does not repeat the text."""
    try:
        if re.fullmatch("[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        raise ValueError("no such day in the calendar") from None
    raise ValueError("not a date of the form yyyymmdd or yyyy-mm-dd")


def octal(text: str) -> int:
    """A Mode S code as the FAA writes it: eight octal digits. Raises ValueError."""
    if not re.fullmatch("[0-7]{8}", text):
        raise ValueError("not a Mode S code of eight octal digits")
    return int(text, 8)


def model_code(text: str) -> str:
    """A model code of the FAA: seven symbols, of which the last ones may be letters. Raises ValueError."""
    if not re.fullmatch("[0-9]{5}[0-9A-Z]{2}", text):
        raise ValueError("not a model code of the FAA: five digits, then two digits or letters")
    return text


def one_of(vocabulary: type[V]) -> Callable[[str], V]:
    """A reader of the words of a vocabulary; its ValueError does not repeat the text, as that of the enum would."""

    def read(text: str) -> V:
        try:
            return vocabulary(text)
        except ValueError:
            raise ValueError(f"not one of {', '.join(vocabulary)}") from None

    return read


def flag(text: str) -> bool:
    """Y or N, of any case. Raises ValueError."""
    if text.upper() not in ("Y", "N"):
        raise ValueError("not Y or N")
    return text.upper() == "Y"
