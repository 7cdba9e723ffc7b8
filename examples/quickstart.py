"""Create, read, update, and find by index; run it as it is: `python examples/quickstart.py`."""

from aircraftops_data import Aircraft, AircraftOps, Operator, metered
from aircraftops_data.testing import LocalDynamoDB, local_session


def main(ops: AircraftOps) -> None:
    """Put a small fleet in and ask for it back."""
    ops.operators.create(Operator(icao="UAL", name="United Airlines", callsign="united", country="US"))
    fleet = [("a835af", "N628TS", "B738"), ("a835b0", "N628TT", "B738"), ("a835b1", "N628TU", "A320")]
    for icao24, registration, typecode in fleet:
        ops.aircraft.create(Aircraft(icao24=icao24, registration=registration, typecode=typecode, operator="UAL"))

    with metered() as meter:
        boeings = ops.aircraft.operated_by("UAL", typecode="B738").all()
    print(f"{len(boeings)} Boeing 737-800 of {ops.operators.by_icao('UAL').name}, for {meter.consumed}")

    first = ops.aircraft.update(boeings[0], status="STORED")
    print(f"{first.registration} is {first.status}, version {first.version}")


if __name__ == "__main__":
    with LocalDynamoDB() as engine:
        connected = AircraftOps.connect(session=local_session(), endpoint_url=engine.endpoint_url)
        connected.create_tables()
        main(connected)
