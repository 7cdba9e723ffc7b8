"""Reading the files: what they hold decides the name of a run, so that the same files are never taken in twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

from aircraftops_data import Entity
from ingestion.formats import FILES, Format, Said, Statement
from ingestion.judging import Repeat
from ingestion.lines import lines_of


class Folder:
    """The folder with the files of a run."""

    def __init__(self, path: Path, formats: dict[str, Format] = FILES) -> None:
        self.path = path
        self.formats = formats

    @cached_property
    def run(self) -> str:
        """The name of the run that takes in these very files."""
        digest = hashlib.sha256()
        for file in self.formats:
            digest.update(f"{file}\n".encode())
            digest.update(hashlib.sha256((self.path / file).read_bytes()).digest())
        return f"ingest-{digest.hexdigest()[:12]}"

    def said(self, file: str, first: int = 1, last: int | None = None) -> Iterator[Said]:
        """What the lines from `first` to `last` say, counted as an editor does; a header says nothing."""
        form = self.formats[file]
        with (self.path / file).open("rb") as stream:
            lines = lines_of(stream)
            names = form.names(next(lines, None) if form.header else None)
            for line in lines:
                if last is not None and line.number > last:
                    return
                if line.number >= first:
                    yield form.says(names, line)

    def earlier(self, repeat: Repeat) -> Entity | None:
        """What the line that a repeat points to says of the entity."""
        said = next(self.said(repeat.file, repeat.line, repeat.line), None)
        return said.about(repeat.entity) if isinstance(said, Statement) else None


def chunked(lines: Iterable[int], size: int) -> Iterator[tuple[int, int]]:
    """The first and the last of each `size` line numbers."""
    source = iter(lines)
    while chunk := list(islice(source, size)):
        yield chunk[0], chunk[-1]
