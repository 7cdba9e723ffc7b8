"""A page of a web API: the cursor goes out to the client and comes back, signed."""

from typing import Any

from aircraftops_data import Aircraft, AircraftOps
from aircraftops_data.errors import InvalidCursorError
from aircraftops_data.testing import LocalDynamoDB, local_session


def list_fleet(ops: AircraftOps, operator: str, cursor: str | None = None) -> dict[str, Any]:
    """What an endpoint `/operators/{operator}/fleet?cursor=...` would answer."""
    try:
        page = ops.aircraft.operated_by(operator).page(limit=3, cursor=cursor)
    except InvalidCursorError as refused:
        return {"status": 400, "error": refused.message}
    items = [aircraft.registration for aircraft in page]
    return {"status": 200, "items": items, "next": page.cursor, "cost": str(page.consumed)}


def main(ops: AircraftOps) -> None:
    """Seven aircraft, three a page; and a cursor that was tampered with."""
    for n in range(7):
        ops.aircraft.create(Aircraft(icao24=f"a0000{n + 1}", registration=f"N{n + 1}", typecode="C172", operator="ERA"))
    answer = list_fleet(ops, "ERA")
    while True:
        print(answer["items"], answer["cost"])
        if answer["next"] is None:
            break
        cursor, answer = answer["next"], list_fleet(ops, "ERA", answer["next"])
    print(list_fleet(ops, "UAL", cursor))


if __name__ == "__main__":
    with LocalDynamoDB() as engine:
        connected = AircraftOps.connect(
            session=local_session(), endpoint_url=engine.endpoint_url, cursor_secret="kept in a vault"
        )
        connected.create_tables()
        main(connected)
