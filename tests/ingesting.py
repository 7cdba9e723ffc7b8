"""A few lines of the sample for the ingestion example, and what a run leaves in the tables."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from aircraftops_data import Aircraft, AircraftOps, AircraftType, Entity, Operator, Registration
from aircraftops_data.jobs import Jobs
from ingestion.files import Folder
from ingestion.formats import FILES
from ingestion.quarantine import QuarantinedLine
from ingestion.work import Ingestion

EXAMPLES = Path(__file__).parents[1] / "examples"
DATA = EXAMPLES / "data"
WRITTEN: tuple[type[Entity], ...] = (Aircraft, AircraftType, Operator, Registration, QuarantinedLine)

# Of each file the lines from one number to another: damaged ones, a mark held twice, stations, a line said again.
_LINES = {
    "faa_register.csv": [(99, 106)],
    "faa_deregistered.csv": [(2, 3)],
    "plane_alert_aircraft.csv": [(72, 73), (91, 91)],
    "tar1090_aircraft.csv": [(7, 9)],
    "openflights_airlines.dat": [(5, 8)],
}


def few_lines(folder: Path, *files: str) -> Folder:
    """A folder with a few lines of the sample's files, or of these alone."""
    taken = {file: spans for file, spans in _LINES.items() if not files or file in files}
    for file, spans in taken.items():
        lines = (DATA / file).read_bytes().splitlines(keepends=True)
        header = [lines[0]] if FILES[file].header else []
        chosen = [line for first, last in spans for line in lines[first - 1 : last]]
        (folder / file).write_bytes(b"".join([*header, *chosen]))
    return Folder(folder, {file: FILES[file] for file in taken})


def small_steps(ops: AircraftOps, folder: Folder, jobs: Jobs | None = None) -> Ingestion:
    """An ingestion with many small chunks and batches, so that there is much to stop between."""
    return Ingestion(ops, folder, jobs=jobs, lines_a_chunk=6, lines_a_batch=3)


def state(ops: AircraftOps) -> list[str]:
    """The contents of all that a run wrote, byte for byte, in one order."""
    return sorted(
        f"{entity.__name__} {found.model_dump_json(include=set(found.content()))}"
        for entity in WRITTEN
        for found in ops.core.scan(entity).consistent()
    )


def all_of(folder: Path) -> Folder:
    """The folder that `few_lines` made."""
    return Folder(folder, {file: FILES[file] for file in _LINES if (folder / file).exists()})
