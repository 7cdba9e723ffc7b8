"""Loading the sample: each line becomes an entity, is compared with what is stored, and written where it differs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError

from aircraftops_data import (
    Aircraft,
    AircraftType,
    Consumed,
    CoreTable,
    Entity,
    ImageMetadata,
    MaintenanceEvent,
    Operator,
    Registration,
    metered,
)
from demo import sample
from demo.sample import Read, Refused

FILES: dict[type[Entity], Callable[[], Iterator[Read]]] = {
    AircraftType: sample.aircraft_types,
    Operator: sample.operators,
    Aircraft: sample.aircraft,
    Registration: sample.registrations,
    ImageMetadata: sample.images,
    MaintenanceEvent: sample.maintenance_events,
}
CONCURRENCY = 8


@dataclass
class Loaded:
    """What came of one entity's lines."""

    entity: str
    written: int = 0
    unchanged: int = 0
    refused: list[str] = field(default_factory=list)
    consumed: Consumed = field(default_factory=Consumed)


def load(core: CoreTable, entity: type[Entity], reads: Iterable[Read], progress: Callable[[int], object]) -> Loaded:
    """Bring the table to what the lines say; a line that is stored already costs a read and no write."""
    loaded = Loaded(entity.__name__)
    seen: set[str] = set()
    with metered() as meter:
        source = iter(reads)
        while lines := list(islice(source, 100 * CONCURRENCY)):
            _write_changed(core, entity, list(_entities(entity, lines, seen, loaded)), loaded)
            progress(len(lines))
    loaded.consumed = meter.consumed
    return loaded


def _entities(entity: type[Entity], lines: Iterable[Read], seen: set[str], loaded: Loaded) -> Iterator[Entity]:
    """The lines that make an entity; of lines with one identity the first counts."""
    for line in lines:
        if isinstance(line, Refused):
            loaded.refused.append(line.reason)
            continue
        try:
            made = entity.model_validate(line[1])
        except ValidationError as error:
            loaded.refused.append(f"{error.errors()[0]['loc']}: {error.errors()[0]['msg']}")
            continue
        identity = repr(made.identity())
        if identity in seen:
            loaded.refused.append("an earlier line has the same identity")
            continue
        seen.add(identity)
        yield made


def _write_changed(core: CoreTable, entity: type[Entity], made: list[Any], loaded: Loaded) -> None:
    stored = core.get_many(entity, [one.identity() for one in made], concurrency=CONCURRENCY)
    changed = [
        new if old is None else old.model_copy(update=new.content())
        for new, old in zip(made, stored, strict=True)
        if old is None or old.content() != new.content()
    ]
    report = core.put_many(changed, concurrency=CONCURRENCY)
    loaded.unchanged += len(made) - len(changed)
    loaded.written += report.done
    loaded.refused += [failure.error.message for failure in report.failed]
