"""Load a fleet from an asynchronous source, then ask many things at once: `python examples/async_fleet.py`."""

import asyncio
from collections.abc import AsyncIterator

from aircraftops_data import Aircraft, AsyncAircraftOps, Progress, Rate, metered
from aircraftops_data.testing import LocalDynamoDB, local_session

MARKS = 120
TYPES = ("A321", "B737", "B738")


async def deliveries() -> AsyncIterator[Aircraft]:
    """Aircraft as they come from a queue or a socket; here, out of the air."""
    for number in range(MARKS):
        yield Aircraft(icao24=f"a{number:05x}", registration=f"N{number + 1}", typecode=TYPES[number % len(TYPES)])
        await asyncio.sleep(0)


def tell(progress: Progress) -> None:
    """A line for every fortieth aircraft."""
    if progress.inputs % 40 == 0:
        print(f"{progress.inputs} aircraft are in")


async def size(ops: AsyncAircraftOps, typecode: str) -> str:
    """How many aircraft of a type there are; page by page, while other tasks do the same."""
    marks = [aircraft.registration async for aircraft in ops.aircraft.of_type(typecode)]
    return f"{typecode} {len(marks)}"


async def main(ops: AsyncAircraftOps) -> None:
    """A stream of writes at a steady rate, four questions side by side, and a scan that is given up."""
    report = await ops.core.put_many(deliveries(), concurrency=8, rate=Rate(units_per_second=20_000), progress=tell)
    report.raise_if_failed()

    with metered() as meter:
        sizes = await asyncio.gather(*(size(ops, typecode) for typecode in (*TYPES, "C172")))
    print(f"{', '.join(sizes)}: {meter.consumed.requests} requests")

    async with aiter(ops.core.scan(Aircraft, segments=4)) as found:
        async for aircraft in found:
            print(f"the first {type(aircraft).__name__} of a scan will do; nothing more is read")
            break


async def run() -> None:
    """The example on an engine of its own."""
    with LocalDynamoDB() as engine:
        async with AsyncAircraftOps.connect(session=local_session(), endpoint_url=engine.endpoint_url) as ops:
            await ops.create_tables()
            await main(ops)


if __name__ == "__main__":
    asyncio.run(run())
