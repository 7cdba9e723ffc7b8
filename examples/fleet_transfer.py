"""Hand an aircraft to another operator: all of it or nothing, and a clear answer when somebody was faster."""

from datetime import date

from aircraftops_data import Aircraft, AircraftOps, Operator, Registration
from aircraftops_data.errors import TransactionConflictError
from aircraftops_data.testing import LocalDynamoDB, local_session


def transfer(ops: AircraftOps, icao24: str, *, from_operator: str, to_operator: str, day: date) -> str:
    """The operator changes, a registration period begins, and the new operator must exist."""
    aircraft = ops.aircraft.get(icao24)
    try:
        with ops.core.transaction() as tx:
            tx.update(
                Aircraft, icao24=icao24, set={"operator": to_operator}, where=Aircraft.f.operator == from_operator
            )
            tx.create(Registration(icao24=icao24, mark=aircraft.registration or "N1", held_from=day))
            tx.check(Operator, icao=to_operator)
    except TransactionConflictError as conflict:
        return "refused: " + ", ".join(type(reason).__name__ for reason in conflict.reasons if reason)
    return f"{icao24} now flies for {to_operator}"


def main(ops: AircraftOps) -> None:
    """One transfer works; the same again does not, and says why."""
    ops.operators.create(Operator(icao="DAL", name="Delta Air Lines"))
    ops.aircraft.create(Aircraft(icao24="a835af", registration="N628TS", typecode="B738", operator="UAL"))
    for _ in range(2):
        print(transfer(ops, "a835af", from_operator="UAL", to_operator="DAL", day=date(2026, 11, 1)))
    print(transfer(ops, "a835af", from_operator="DAL", to_operator="XXX", day=date(2026, 12, 1)))


if __name__ == "__main__":
    with LocalDynamoDB() as engine:
        connected = AircraftOps.connect(session=local_session(), endpoint_url=engine.endpoint_url)
        connected.create_tables()
        main(connected)
