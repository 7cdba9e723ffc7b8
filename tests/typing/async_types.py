"""What type checkers see of the asyncio core: nothing here is run, `assert_type` is checked by mypy and pyright."""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Mapping
from typing import Any, assert_type

from aircraftops_data import (
    Aircraft,
    AircraftOps,
    AsyncAircraftOps,
    AsyncAircraftRepository,
    AsyncCoreTable,
    AsyncQuery,
    AsyncTransaction,
    Collection,
    Consumed,
    CoreTable,
    ImageMetadata,
    Limiter,
    Page,
    Partial,
    Progress,
    Rate,
    Registration,
    Report,
)
from aircraftops_data.core.aio.query import AsyncReadable, AsyncResults
from aircraftops_data.core.query import Results
from aircraftops_data.request import Request


async def connecting() -> None:
    async with AsyncAircraftOps.connect(prefix="prod-") as ops:
        assert_type(ops, AsyncAircraftOps)
        assert_type(ops.core, AsyncCoreTable)
        assert_type(ops.aircraft, AsyncAircraftRepository)
        assert_type(await ops.aircraft.get("a835af"), Aircraft)
        assert_type(ops.aircraft.operated_by("UAL"), AsyncQuery[Aircraft])
        assert_type(await ops.aircraft.by_registration("N628TS"), Aircraft | None)
        assert_type(await ops.aircraft.everything_about("a835af"), Collection)
        assert_type([one async for one in ops.registry.history("a835af")], list[Registration])
    async with AsyncCoreTable.connect() as core:
        assert_type(core, AsyncCoreTable)
    AsyncCoreTable.connect(transport="botocore")  # type: ignore[arg-type]
    with AircraftOps.connect(transport="direct") as blocking:
        assert_type(blocking, AircraftOps)
    with CoreTable.connect() as table:
        assert_type(table, CoreTable)


async def reading_one(core: AsyncCoreTable) -> None:
    assert_type(await core.get(Aircraft, icao24="a835af", consistent=True), Aircraft)
    assert_type(await core.find(Aircraft, icao24="a835af"), Aircraft | None)
    await core.get(str, icao24="a835af")  # type: ignore[type-var]


async def writing_one(core: AsyncCoreTable, aircraft: Aircraft) -> None:
    assert_type(await core.create(aircraft), Aircraft)
    assert_type(await core.put(aircraft), Aircraft)
    assert_type(await core.replace(aircraft), Aircraft)
    assert_type(await core.update(aircraft, set={"operator": "DAL"}), Aircraft)
    assert_type(await core.update(Aircraft, icao24="a835af", version=3, remove=["model"]), Aircraft)
    assert_type(await core.delete(aircraft), Aircraft | None)
    assert_type(await core.move(aircraft, icao24="a00001"), Aircraft)
    await core.update(aircraft, set={}, version=3)  # type: ignore[call-overload]


async def reading_many(core: AsyncCoreTable) -> None:
    query = core.query(Aircraft.by_operator(operator="UAL"))
    assert_type(query, AsyncQuery[Aircraft])
    async for aircraft in query.where(Aircraft.f.year_built < 2000).newest_first():
        assert_type(aircraft, Aircraft)
    assert_type(aiter(query), AsyncResults[Aircraft])
    assert_type(aiter(query).consumed, Consumed)
    async with aiter(query) as found:
        assert_type(await anext(found), Aircraft)
    assert_type(await query.first(), Aircraft | None)
    assert_type(await query.one(), Aircraft)
    assert_type(await query.all(), list[Aircraft])
    assert_type(await query.count(), int)
    assert_type(await query.page(limit=50), Page[Aircraft])
    assert_type(query.request(), Request)
    assert_type(query.project("typecode"), AsyncReadable[Partial[Aircraft]])
    assert_type(core.scan(Aircraft, segments=4, rate=Rate(100)), AsyncQuery[Aircraft])
    assert_type((await core.collection(Aircraft, icao24="a835af"))[ImageMetadata], list[ImageMetadata])


async def batches(core: AsyncCoreTable, some: list[Aircraft], stream: AsyncIterator[Aircraft]) -> None:
    def told(progress: Progress) -> None:
        assert_type(progress.inputs, int)
        assert_type(progress.consumed, Consumed)

    assert_type(await core.put_many(some, concurrency=8, rate=Rate(500, burst=50), progress=told), Report[Aircraft])
    assert_type(await core.put_many(stream, rate=Limiter(Rate(500))), Report[Aircraft])
    assert_type(await core.delete_many(core.scan(Aircraft)), Report[Aircraft])


async def lookups(core: AsyncCoreTable, keys: AsyncIterator[Mapping[str, Any]]) -> None:
    assert_type(core.get_many(Aircraft, keys), AsyncResults[Aircraft | None])
    assert_type(await core.get_many(Aircraft, [{"icao24": "a835af"}]).all(), list[Aircraft | None])
    async for found in core.get_many(Aircraft, keys, concurrency=4):
        assert_type(found, Aircraft | None)


async def transactions(core: AsyncCoreTable, aircraft: Aircraft) -> int:
    async with core.transaction() as tx:
        assert_type(tx, AsyncTransaction)
        tx.create(aircraft)
        tx.update(Aircraft, icao24="a835af", set={"operator": "DAL"})
    return 1


def blocking_streams(core: CoreTable, some: list[Aircraft]) -> None:
    with core.get_many(Aircraft, [{"icao24": "a835af"}]) as found:
        assert_type(found, Results[Aircraft | None])
        assert_type(next(found), Aircraft | None)
        assert_type(found.consumed, Consumed)
    core.put_many(some, rate=500)  # type: ignore[arg-type]
