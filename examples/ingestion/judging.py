"""What becomes of each line: stored, unchanged or in quarantine. It follows from the files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from aircraftops_data import Aircraft, Entity
from ingestion.formats import Refusal, Said, Statement
from ingestion.quarantine import Reason, ReasonKind


@dataclass(frozen=True, slots=True)
class Stored:
    """A line that is taken, and the entities it gives."""

    line: int
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A line that says what an earlier one said."""

    line: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line that is not taken, and why."""

    line: int
    reasons: tuple[Reason, ...]


Outcome = Stored | Unchanged | Quarantined


class Repeat(BaseModel):
    """That an earlier line has the say on what this one says of an entity: on itself, or on its mark."""

    model_config = ConfigDict(frozen=True)

    entity: str
    file: str
    line: int
    mark: bool = False


Repeats = dict[int, tuple[Repeat, ...]]
Place = tuple[str, int]


class Looked:
    """The lines looked at so far: who was the first to name what. Small, whatever the lines hold."""

    def __init__(self) -> None:
        self._first: dict[tuple[Any, ...], Place] = {}

    def look(self, file: str, statements: Iterable[Said]) -> Repeats:
        """The repeats among a file's lines, by line."""
        found = {said.line: tuple(self._repeats(file, said)) for said in statements if isinstance(said, Statement)}
        return {line: repeats for line, repeats in found.items() if repeats}

    def _repeats(self, file: str, said: Statement) -> Iterator[Repeat]:
        for entity in (said.main, *said.aside):
            repeat = self._claim(file, said.line, entity)
            if repeat is not None:
                yield repeat
                if entity is said.main:
                    return

    def _claim(self, file: str, line: int, entity: Entity) -> Repeat | None:
        name, keys = type(entity).__name__, list(_keys(entity))
        for number, key in enumerate(keys):
            if key in self._first:
                first_file, first_line = self._first[key]
                return Repeat(entity=name, file=first_file, line=first_line, mark=number > 0)
        self._first |= dict.fromkeys(keys, (file, line))
        return None


def _keys(entity: Entity) -> Iterator[tuple[Any, ...]]:
    """What only one line can have the say on: the entity itself, then the mark it carries."""
    yield type(entity).__name__, *entity.identity().values()
    if isinstance(entity, Aircraft) and entity.registration is not None:
        yield "mark", entity.registration


Earlier = Callable[[Repeat], Entity | None]
"""What an earlier line says of an entity."""


def judge(said: Said, repeats: Mapping[int, tuple[Repeat, ...]], earlier: Earlier) -> Outcome:
    """What becomes of a line, knowing which earlier lines have the say on what it tells."""
    if isinstance(said, Refusal):
        return Quarantined(said.line, said.reasons)
    by_name = {repeat.entity: repeat for repeat in repeats.get(said.line, ())}
    repeat = by_name.get(type(said.main).__name__)
    if repeat is not None:
        return _compared(said, repeat, earlier(repeat))
    aside = tuple(entity for entity in said.aside if type(entity).__name__ not in by_name)
    return Stored(said.line, (said.main, *aside))


def _compared(said: Statement, repeat: Repeat, first: Entity | None) -> Outcome:
    where = f"line {repeat.line} of {repeat.file}"
    if repeat.mark:
        return Quarantined(said.line, (mark_taken(f"{where} gives it to another aircraft"),))
    given = said.main.model_dump(exclude_unset=True)
    other = [name for name, value in given.items() if first is None or getattr(first, name) != value]
    if not other:
        return Unchanged(said.line)
    text = f"{where} has the say on {', '.join(other)}"
    return Quarantined(said.line, (Reason(kind=ReasonKind.SAYS_OTHERWISE, field=repeat.entity, text=text),))


def mark_taken(text: str) -> Reason:
    """That another aircraft carries the mark of this one."""
    return Reason(kind=ReasonKind.MARK_TAKEN, field="registration", text=text)
