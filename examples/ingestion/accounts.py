"""The accounts of a run: every line that was planned is stored, unchanged or in quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from ingestion.judging import Outcome, Stored, Unchanged
from ingestion.quarantine import QuarantinedLine, ReasonKind

LINES_SHOWN = 6


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tally(_Value):
    """What became of the lines of a chunk."""

    lines: int
    stored: int
    unchanged: int
    quarantined: int

    @classmethod
    def of(cls, outcomes: list[Outcome], quarantined: set[int]) -> Tally:
        """The outcomes by kind, after those in quarantine as they are stored there."""
        left = [outcome for outcome in outcomes if outcome.line not in quarantined]
        return cls(
            lines=len(outcomes),
            stored=sum(isinstance(outcome, Stored) for outcome in left),
            unchanged=sum(isinstance(outcome, Unchanged) for outcome in left),
            quarantined=len(quarantined),
        )


class FileAccount(_Value):
    """A file: the lines the plan counted, and what its chunks made of them."""

    file: str
    planned: int
    read: int
    stored: int
    unchanged: int
    quarantined: int
    in_quarantine: int
    """How many lines are found there, after all is done."""

    @classmethod
    def of(cls, file: str, planned: int, tallies: Iterable[Tally], in_quarantine: int) -> FileAccount:
        """The sum of a file's chunks."""
        known = list(tallies)
        sums = {
            "read": sum(tally.lines for tally in known),
            "stored": sum(tally.stored for tally in known),
            "unchanged": sum(tally.unchanged for tally in known),
            "quarantined": sum(tally.quarantined for tally in known),
        }
        return cls(file=file, planned=planned, in_quarantine=in_quarantine, **sums)

    @property
    def balanced(self) -> bool:
        """Whether no line is missing and none counts twice."""
        ended = self.stored + self.unchanged + self.quarantined
        return self.planned == self.read == ended and self.quarantined == self.in_quarantine


class ReasonCount(_Value):
    """How many lines of a file a reason keeps out, and the first of them."""

    kind: ReasonKind
    file: str
    field: str
    count: int
    lines: list[int]


class Report(_Value):
    """The result of a run."""

    run: str
    balanced: bool
    files: list[FileAccount]
    reasons: list[ReasonCount]

    @classmethod
    def of(cls, run: str, files: list[FileAccount], quarantine: Iterable[QuarantinedLine]) -> Report:
        """The report of these accounts; the reasons in the order of their frequency."""
        return cls(run=run, balanced=all(file.balanced for file in files), files=files, reasons=_counted(quarantine))


def _counted(quarantine: Iterable[QuarantinedLine]) -> list[ReasonCount]:
    found: dict[tuple[ReasonKind, str, str], list[int]] = {}
    for item in quarantine:
        for reason in item.reasons:
            found.setdefault((reason.kind, item.file, reason.field), []).append(item.line)
    return sorted(map(_count, found.items()), key=lambda one: (-one.count, one.file, one.kind, one.field))


def _count(found: tuple[tuple[ReasonKind, str, str], list[int]]) -> ReasonCount:
    (kind, file, field), lines = found
    return ReasonCount(kind=kind, file=file, field=field, count=len(lines), lines=lines[:LINES_SHOWN])


def in_order(quarantine: Mapping[str, list[QuarantinedLine]]) -> list[QuarantinedLine]:
    """The lines of all files, file by file."""
    return [item for items in quarantine.values() for item in items]
