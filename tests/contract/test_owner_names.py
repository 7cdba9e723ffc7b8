"""The name of an owner is personal data: it is stored and read, and never printed, logged or put into an error."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable

import pytest
from pydantic import ValidationError
from reading_entities import put_raw

from aircraftops_data import CORE, AircraftOps, Owner
from aircraftops_data.entities.values import OwnerKind
from aircraftops_data.errors import AircraftOpsDataError, AlreadyExistsError, CorruptItemError, NotFoundError

NAME = "Madeup Q. Nobody"


@pytest.fixture
def ops(aircraft_ops: AircraftOps) -> AircraftOps:
    """Tables without anybody in them."""
    return aircraft_ops


def owner(owner_id: str = "o1") -> Owner:
    """A made-up owner with a name to hide."""
    return Owner(owner_id=owner_id, kind=OwnerKind.INDIVIDUAL, name=NAME, state=NAME, country="US")


def test_owners_by_id(ops: AircraftOps) -> None:
    ops.owners.create(owner())
    assert ops.owners.get("o1").name == NAME
    with pytest.raises(NotFoundError, match="No Owner"):
        ops.owners.get("o2")


def test_the_name_of_an_owner_is_never_printed(ops: AircraftOps) -> None:
    created = ops.owners.create(owner())
    query = ops.core.query(Owner.by_kind(kind=OwnerKind.INDIVIDUAL))
    part = query.project("name", "state").one()
    assert (created.name, part.name) == (NAME, NAME)
    group = ops.core.collection(Owner, owner_id="o1")
    report = ops.core.put_many([created])
    shown: list[object] = [created, [created], query, query.page(), query.one(), part, group.owner, dict(group), report]
    assert [one for one in shown if "Madeup" in repr(one) + str(one)] == []


def wrong_owners(ops: AircraftOps) -> dict[str, Callable[[], object]]:
    """What goes wrong with an owner's name at hand."""
    first = ops.owners.create(owner())
    second = ops.owners.update(first, country="CA")
    raw = {"entity_type": {"S": "owner"}, "owner_id": {"S": "o2"}, "name": {"S": NAME}, "kind": {"S": NAME}}
    put_raw(ops.core, CORE, {"PK": {"S": "OWNER#o2"}, "SK": {"S": "OWNER"}, **raw})

    def in_transaction() -> None:
        with ops.core.transaction() as tx:
            tx.create(second)
            tx.check(Owner, owner_id="o1", where=Owner.f.name != NAME)

    return {
        "without a kind": lambda: Owner(owner_id="o", name=NAME),  # type: ignore[call-arg]
        "with a wrong kind": lambda: Owner(owner_id="o", kind=NAME, name=NAME),  # type: ignore[arg-type]
        "too long": lambda: Owner(owner_id="o", kind=OwnerKind.LLC, name=NAME * 20),
        "there already": lambda: ops.owners.create(second),
        "another version": lambda: ops.owners.replace(first),
        "another version in an update": lambda: ops.owners.update(first, name=NAME + "!"),
        "a condition": lambda: ops.core.update(Owner, owner_id="o1", set={"state": NAME}, where=Owner.f.name != NAME),
        "a wrong update": lambda: ops.core.update(Owner, owner_id="o1", set={"name": NAME * 20}),
        "a wrong field": lambda: ops.core.update(Owner, owner_id="o1", set={"kind": NAME}),
        "a stored item": lambda: ops.owners.get("o2"),
        "a stored item in a query": lambda: ops.core.scan(Owner).all(),
        "a projected item": lambda: ops.core.scan(Owner).project("name", "kind").all(),
        "an id": lambda: ops.owners.get(NAME),
        "a key": lambda: Owner.by_kind(kind=NAME),
        "a transaction": in_transaction,
    }


def test_the_name_of_an_owner_is_in_no_error(ops: AircraftOps, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for what, wrong in wrong_owners(ops).items():
        with pytest.raises((AircraftOpsDataError, ValidationError)) as failed:
            wrong()
        error = failed.value
        shown = [str(error), repr(error), *traceback.format_exception(error)]
        assert not any("Madeup" in text for text in shown), what
        logging.getLogger("a.program").exception("It failed: %s", what, exc_info=error)
    assert "Madeup" not in caplog.text


def test_an_error_about_an_owner_travels_with_its_facts(ops: AircraftOps) -> None:
    first = ops.owners.create(owner())
    with pytest.raises(AlreadyExistsError) as failed:
        ops.owners.create(owner())
    travelled = pickle.loads(pickle.dumps(failed.value))
    assert travelled.existing == first
    assert "Madeup" not in repr(travelled)
    put_raw(ops.core, CORE, {"PK": {"S": "OWNER#o2"}, "SK": {"S": "OWNER"}, "entity_type": {"S": "owner"}})
    with pytest.raises(CorruptItemError) as corrupt:
        ops.owners.get("o2")
    assert pickle.loads(pickle.dumps(corrupt.value)).problems == corrupt.value.problems
