"""What a run found, as data: written as JSON, read back to render reports from."""

from __future__ import annotations

from pathlib import Path as FilePath

from pydantic import BaseModel

from benchmarks.contender import PathName
from benchmarks.measuring import Times

FOLDER = FilePath(__file__).parent / "results"


class Asked(BaseModel):
    """What one turn of a path asked of the server, as the server counted it."""

    requests: int = 0
    request_bytes: int = 0
    read_units: float = 0.0
    write_units: float = 0.0


class Outcome(BaseModel):
    """A contender on a path."""

    times: Times
    asked: Asked = Asked()


class Import(BaseModel):
    """Milliseconds of processor time of an import in a fresh interpreter: least and median."""

    least: float
    median: float


class Memory(BaseModel):
    """Megabytes resident at most: after a first get, and after the path was gone three times."""

    connected: float
    peak: float


class Setting(BaseModel):
    """What it was measured on and with."""

    python: str
    system: str
    processor: str
    event_loop: str
    versions: dict[str, str]


class Results(BaseModel):
    """One run."""

    setting: Setting
    rounds: int
    paths: dict[PathName, dict[str, Outcome]] = {}
    missing: dict[str, str] = {}
    imports: dict[str, Import] = {}
    memory: dict[PathName, dict[str, Memory]] = {}


class Bill(BaseModel):
    """A call, and the request units AWS bills for it."""

    call: str
    read_units: float
    write_units: float
    items: int = 1
    """Of how many items the call was."""


class Step(BaseModel):
    """So many items read or written: processor and clock microseconds an item, megabytes resident at most."""

    items: int
    cpu: float
    wall: float
    peak: float


class Scaling(BaseModel):
    """A scaling run."""

    setting: Setting
    read: list[Step] = []
    written: list[Step] = []


def store(name: str, run: BaseModel, folder: FilePath = FOLDER) -> None:
    """Write a run to `name`.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(run.model_dump_json(indent=1) + "\n")
