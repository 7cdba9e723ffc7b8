"""Ten questions to the table, each a named access pattern of a repository."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from aircraftops_data import Aircraft, AircraftOps, AircraftType, ImageMetadata, MaintenanceEvent, Registration
from aircraftops_data.entities.values import ImageState, MaintenanceKind

Answer = list[dict[str, Any]]


@dataclass(frozen=True)
class Pattern:
    """A question, the code that asks it, and how the answer is shown."""

    question: str
    code: str
    ask: Callable[[AircraftOps], Answer]


def _shown(entities: Iterable[Any], *names: str) -> Answer:
    return [{name: getattr(entity, name) for name in names} for entity in entities]


def _aircraft(ops: AircraftOps) -> Answer:
    aircraft = ops.aircraft.get("A00001")
    return _shown([aircraft], "icao24", "registration", "manufacturer", "model", "year_built", "status")


def _by_registration(ops: AircraftOps) -> Answer:
    found = ops.aircraft.by_registration("n245lr")
    return _shown([found], "icao24", "registration", "typecode", "operator") if found else []


def _fleet(ops: AircraftOps) -> Answer:
    return _shown(ops.aircraft.operated_by("SKW", typecode="CRJ9"), "registration", "typecode", "model", "year_built")


def _range(ops: AircraftOps) -> Answer:
    fleet = ops.core.query(Aircraft.by_operator(operator="SKW").between(typecode=("CRJ2", "CRJ7")))
    return _shown(fleet.newest_first().page(limit=4), "typecode", "registration", "icao24")


def _page(ops: AircraftOps) -> Answer:
    pilatus = ops.aircraft.of_type("PC12")
    first = pilatus.page(limit=3)
    second = pilatus.page(limit=3, cursor=first.cursor)
    return _shown([*first, *second], "icao24", "registration", "year_built")


def _everything(ops: AircraftOps) -> Answer:
    group = ops.aircraft.everything_about("a2892c")
    return [
        {
            "aircraft": group.aircraft.registration,
            "registrations": len(group[Registration]),
            "images": len(group[ImageMetadata]),
            "events": len(group[MaintenanceEvent]),
        }
    ]


def _holders(ops: AircraftOps) -> Answer:
    then, now = (ops.registry.current("N2623", on=day) for day in (date(1982, 12, 31), date(2026, 1, 1)))
    return _shown([held for held in (then, now) if held], "mark", "icao24", "held_from", "held_until", "serial_number")


def _operators(ops: AircraftOps) -> Answer:
    return _shown(ops.operators.in_country("GB"), "icao", "name", "callsign")[:5]


def _types(ops: AircraftOps) -> Answer:
    jets = ops.types.described_as("L2J").where(AircraftType.f.manufacturer == "CESSNA")
    return _shown(jets, "designator", "manufacturer", "model", "wake_category")[:5]


def _pending(ops: AircraftOps) -> Answer:
    pending = ops.images.in_state(ImageState.PENDING)
    return [{"pending images": pending.count(), "first": image.image_id} for image in pending.page(limit=1)]


def _accidents(ops: AircraftOps) -> Answer:
    spring = ops.maintenance.of_kind(MaintenanceKind.ACCIDENT, since=date(1982, 3, 1), until=date(1982, 3, 7))
    return _shown(spring, "occurred_on", "event_id", "severity", "summary")[:5]


PATTERNS = [
    Pattern("An aircraft by its 24-bit address", 'ops.aircraft.get("A00001")', _aircraft),
    Pattern("The aircraft that carries a registration", 'ops.aircraft.by_registration("n245lr")', _by_registration),
    Pattern("An operator's aircraft of one type", 'ops.aircraft.operated_by("SKW", typecode="CRJ9")', _fleet),
    Pattern(
        "An operator's aircraft in a range of types, last first",
        'core.query(Aircraft.by_operator(operator="SKW").between(typecode=("CRJ2", "CRJ7"))).newest_first().page(4)',
        _range,
    ),
    Pattern("All aircraft of a type, two pages of three", 'ops.aircraft.of_type("PC12").page(3, cursor)', _page),
    Pattern("Everything about one aircraft, by one query", 'ops.aircraft.everything_about("a2892c")', _everything),
    Pattern("Who held a mark, then and now", 'ops.registry.current("N2623", on=day)', _holders),
    Pattern("The operators of a country", 'ops.operators.in_country("GB")', _operators),
    Pattern(
        "Two-engined jets by one maker",
        'ops.types.described_as("L2J").where(AircraftType.f.manufacturer == "CESSNA")',
        _types,
    ),
    Pattern("How many images wait for handling", "ops.images.in_state(PENDING).count()", _pending),
    Pattern("The accidents of a week", "ops.maintenance.of_kind(ACCIDENT, since=..., until=...)", _accidents),
]
