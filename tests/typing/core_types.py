"""What type checkers see of the core: nothing here is run, `assert_type` is checked by mypy and pyright."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_type

from aircraftops_data import Aircraft, Collection, Consumed, CoreTable, ImageMetadata, Page, Partial, Query, Report
from aircraftops_data.core.batch import Failure
from aircraftops_data.core.query import Readable, Results
from aircraftops_data.core.transaction import Transaction
from aircraftops_data.errors import AircraftOpsDataError, CorruptItemError
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.declarations import AccessPattern, KeyQuery
from aircraftops_data.request import Request


def reading_one(core: CoreTable) -> None:
    assert_type(core.get(Aircraft, icao24="a835af"), Aircraft)
    assert_type(core.get(Aircraft, icao24="a835af", consistent=True), Aircraft)
    assert_type(core.find(Aircraft, icao24="a835af"), Aircraft | None)
    core.get("Aircraft", icao24="a835af")  # type: ignore[arg-type]
    core.get(str, icao24="a835af")  # type: ignore[type-var]


def writing_one(core: CoreTable, aircraft: Aircraft) -> None:
    assert_type(core.create(aircraft), Aircraft)
    assert_type(core.put(aircraft), Aircraft)
    assert_type(core.replace(aircraft), Aircraft)
    assert_type(core.update(aircraft, set={"operator": "DAL"}), Aircraft)
    assert_type(core.update(Aircraft, icao24="a835af", version=3, add={"year_built": 1}, remove=["model"]), Aircraft)
    assert_type(core.delete(aircraft), Aircraft | None)
    assert_type(core.delete(Aircraft, icao24="a835af", version=3), Aircraft | None)
    assert_type(core.move(aircraft, icao24="a00001"), Aircraft)
    core.create(Aircraft)  # type: ignore[type-var]


def an_instance_knows_its_identity_and_version(core: CoreTable, aircraft: Aircraft) -> None:
    core.update(aircraft, set={}, icao24="a835af")  # type: ignore[call-overload]
    core.update(aircraft, set={}, version=3)  # type: ignore[call-overload]
    core.delete(aircraft, version=3)  # type: ignore[call-overload]


def reading_many(core: CoreTable) -> None:
    query = core.query(Aircraft.by_operator(operator="UAL"))
    assert_type(query, Query[Aircraft])
    for aircraft in query:
        assert_type(aircraft, Aircraft)
    assert_type(iter(query), Results[Aircraft])
    assert_type(iter(query).consumed, Consumed)
    assert_type(query.first(), Aircraft | None)
    assert_type(query.one(), Aircraft)
    assert_type(query.all(), list[Aircraft])
    assert_type(query.count(), int)
    assert_type(query.request(), Request)
    assert_type(query.where(Aircraft.f.military == True).newest_first().consistent(), Query[Aircraft])  # noqa: E712
    assert_type(query.include_expired().on_corrupt("skip"), Query[Aircraft])
    assert_type(core.scan(Aircraft, segments=4), Query[Aircraft])
    core.query(Aircraft)  # type: ignore[arg-type]
    query.on_corrupt("ignore")  # type: ignore[arg-type]


def pages(core: CoreTable) -> None:
    page = core.query(Aircraft.by_operator(operator="UAL")).page(limit=50, cursor=None)
    assert_type(page, Page[Aircraft])
    assert_type(page.items, list[Aircraft])
    assert_type(page.cursor, str | None)
    assert_type(page.consumed, Consumed)
    assert_type(page.corrupt, list[CorruptItemError])
    assert_type([aircraft for aircraft in page], list[Aircraft])  # noqa: C416
    assert_type(len(page), int)


def parts(core: CoreTable) -> None:
    parts = core.query(Aircraft.by_operator(operator="UAL")).project("typecode", Aircraft.f.model)
    assert_type(parts, Readable[Partial[Aircraft]])
    for part in parts:
        assert_type(part, Partial[Aircraft])
        assert_type(part.entity, type[Aircraft])
        assert_type(part["typecode"], Any)
    assert_type(parts.first(), Partial[Aircraft] | None)
    assert_type(parts.page().items, list[Partial[Aircraft]])


def collections(core: CoreTable) -> None:
    group = core.collection(Aircraft, icao24="a835af")
    assert_type(group, Collection)
    assert_type(group[ImageMetadata], list[ImageMetadata])
    assert_type(group.first(Aircraft), Aircraft | None)
    assert_type(group.unknown, list[dict[str, dict[str, Any]]])


def batches(core: CoreTable, some: list[Aircraft]) -> None:
    assert_type(core.get_many(Aircraft, [{"icao24": "a835af"}]), Results[Aircraft | None])
    assert_type(core.get_many(Aircraft, iter([{"icao24": "a835af"}])).all(), list[Aircraft | None])
    report = core.put_many(some, concurrency=8, progress=print)
    assert_type(report, Report[Aircraft])
    assert_type(report.done, int)
    assert_type(report.failed, list[Failure[Aircraft]])
    assert_type(report.failed[0].entity, Aircraft)
    assert_type(report.failed[0].error, AircraftOpsDataError)
    assert_type(core.delete_many(iter(some)), Report[Aircraft])


def transactions(core: CoreTable, aircraft: Aircraft, image: ImageMetadata) -> int:
    with core.transaction() as tx:
        assert_type(tx, Transaction)
        tx.create(image)
        tx.update(Aircraft, icao24="a835af", set={"operator": "DAL"})
        tx.update(aircraft, set={"operator": "DAL"})
        tx.check(Aircraft, icao24="a835af", where=Aircraft.f.operator == "UAL")
        tx.create("image")  # type: ignore[arg-type]
    return 1


def access_patterns() -> None:
    assert_type(Aircraft.by_operator, AccessPattern[Aircraft])
    query = Aircraft.by_operator(operator="UAL")
    assert_type(query, KeyQuery[Aircraft])
    assert_type(query.between(typecode=("A319", "A321")), KeyQuery[Aircraft])
    assert_type(query.at_least(typecode="A319"), KeyQuery[Aircraft])
    assert_type(query.starts_with(typecode="A3"), KeyQuery[Aircraft])
    assert_type(query.entity, type[Aircraft])
    assert_type(ImageMetadata.primary(icao24="a835af"), KeyQuery[ImageMetadata])
    query.between(typecode="A319")  # type: ignore[arg-type]


def conditions() -> None:
    assert_type(Aircraft.f.operator == "UAL", Condition)
    assert_type(Aircraft.f.operator != "UAL", Condition)
    assert_type(Aircraft.f.year_built < 2000, Condition)
    assert_type((Aircraft.f.year_built < 2000) & ~(Aircraft.f.operator == "UAL"), Condition)
    assert_type(Aircraft.f.model.starts_with("B") | Aircraft.f.model.does_not_exist(), Condition)
    assert_type(Aircraft.f.model.size() > 3, Condition)
    assert_type(Aircraft.f["operator"].is_in("UAL", "DAL"), Condition)


def entities(aircraft: Aircraft) -> None:
    assert_type(aircraft.version, int)
    assert_type(aircraft.created_at, datetime | None)
    assert_type(aircraft.registration, str | None)
    assert_type(aircraft.identity(), dict[str, Any])
    assert_type(aircraft.model_copy(update={"operator": "DAL"}), Aircraft)
    Aircraft()  # type: ignore[call-arg]
    Aircraft(icao24=5)  # type: ignore[arg-type]


def identities(core: CoreTable, some: list[Mapping[str, str]]) -> None:
    assert_type(core.get_many(Aircraft, some), Results[Aircraft | None])
