"""What type checkers see of the repositories and of entities that users declare; nothing here is run."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Mapping
from datetime import date
from typing import Any, assert_type

from aircraftops_data import (
    CORE,
    GSI1,
    Aircraft,
    AircraftOps,
    AircraftRepository,
    Collection,
    Consumed,
    CoreTable,
    Entity,
    ImageMetadata,
    Index,
    MaintenanceEvent,
    Operator,
    Owner,
    PrimaryKey,
    Query,
    Registration,
    Repository,
    Settings,
    Unique,
    metered,
    upgrader,
)
from aircraftops_data.core.accompanied import Accompanied, Changed
from aircraftops_data.core.intents import Create
from aircraftops_data.core.provisioning import TableOutcome
from aircraftops_data.core.targets import updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.entities.values import ImageState, MaintenanceKind
from aircraftops_data.errors import (
    AlreadyExistsError,
    InvalidValueError,
    ThrottledError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.model.declarations import KeyQuery


class Hangar(Entity, table=CORE, entity_type="hangar", schema_version=2):
    """An entity as a user declares it."""

    code: str
    name: str | None = None

    primary = PrimaryKey("HANGAR#{code}", "HANGAR")
    by_name = Index(GSI1, "HANGAR_NAME#{name}", "HANGAR#{code}")
    unique = Unique("name")

    @upgrader(1)
    @staticmethod
    def from_1(values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "name": values.pop("label", None)}


class HangarRepository(Repository[Hangar]):
    """A repository as a user writes it."""

    entity = Hangar

    def named(self, name: str) -> Hangar | None:
        return self.core.query(Hangar.by_name(name=name)).first()


def noted(changed: Changed) -> Intent[Any] | None:
    assert_type(changed.entity_type, type[Entity])
    assert_type(changed.before, Entity | None)
    return None if changed.after is None else Create(changed.after)


def a_users_own(core: CoreTable, hangar: Hangar) -> None:
    assert_type(core.get(Hangar, code="H1"), Hangar)
    assert_type(Hangar.by_name(name="North"), KeyQuery[Hangar])
    assert_type(core.query(Hangar.by_name(name="North")), Query[Hangar])
    assert_type(core.put(hangar), Hangar)
    repository = HangarRepository(core)
    assert_type(repository.named("North"), Hangar | None)
    assert_type(repository.create(hangar), Hangar)
    assert_type(repository.along_with(noted), HangarRepository)
    assert_type(repository.along_with(noted).put(hangar), Hangar)
    assert_type(core.along_with(noted), CoreTable)
    assert_type(Accompanied(updating(hangar, set={"name": "North"}), noted).outcome(None), Hangar | None)
    repository.along_with(lambda changed: changed.after)  # type: ignore[arg-type, return-value]
    assert_type(HangarRepository.connect(prefix="test-"), HangarRepository)


def the_whole(ops: AircraftOps, aircraft: Aircraft) -> None:
    assert_type(AircraftOps.connect(prefix="prod-"), AircraftOps)
    assert_type(ops.core, CoreTable)
    assert_type(ops.aircraft, AircraftRepository)
    assert_type(ops.create_tables(), list[TableOutcome])
    assert_type(ops.table_names(), list[str])
    assert_type(Settings.from_environment(), Settings)


def aircraft(ops: AircraftOps, one: Aircraft, image: ImageMetadata) -> None:
    assert_type(ops.aircraft.get("a835af"), Aircraft)
    assert_type(ops.aircraft.find("a835af"), Aircraft | None)
    assert_type(ops.aircraft.by_registration("N628TS"), Aircraft | None)
    assert_type(ops.aircraft.operated_by("UAL", typecode="B738"), Query[Aircraft])
    assert_type(ops.aircraft.everything_about("a835af"), Collection)
    assert_type(ops.aircraft.create(one), Aircraft)
    assert_type(ops.aircraft.update(one, operator="DAL"), Aircraft)
    assert_type(ops.aircraft.delete(one), Aircraft | None)
    ops.aircraft.create(image)  # type: ignore[arg-type]


def the_rest(ops: AircraftOps) -> None:
    assert_type(ops.registry.current("N628TS", on=date(2026, 1, 1)), Registration | None)
    assert_type(ops.registry.history(icao24="a835af"), Query[Registration])
    assert_type(ops.owners.get("o-1"), Owner)
    assert_type(ops.operators.by_icao("UAL"), Operator)
    assert_type(ops.images.in_state(ImageState.PENDING), Query[ImageMetadata])
    assert_type(ops.maintenance.of_kind(MaintenanceKind.WORK_ORDER), Query[MaintenanceEvent])


def costs() -> None:
    with metered() as meter:
        pass
    assert_type(meter.consumed, Consumed)
    assert_type(meter.consumed + meter.consumed, Consumed)
    assert_type(meter.consumed.by_index, Mapping[str, float])


def errors(
    exists: AlreadyExistsError,
    conflict: VersionConflictError,
    unique: UniqueConflictError,
    busy: ThrottledError,
    invalid: InvalidValueError,
) -> None:
    assert_type(exists.existing, Any)
    assert_type(conflict.found, int | None)
    assert_type(unique.constraint, tuple[str, ...])
    assert_type(busy.retryable, bool)
    assert_type(invalid.problems, tuple[str, ...])
    assert_type(conflict.with_fields(found=3), VersionConflictError)
