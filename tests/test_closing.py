"""Closing: what the library opened is closed at the end of a block, what the caller gave is left open."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.client import BaseClient

from aircraftops_data import AircraftOps, CoreTable
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.testing import local_session
from memory import Memory


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The clients of botocore that were closed."""
    found: list[Any] = []
    monkeypatch.setattr(BaseClient, "close", lambda client: found.append(client))  # noqa: PLW0108 - called as a method
    return found


@pytest.mark.parametrize("kind", [AircraftOps, CoreTable])
def test_a_client_of_our_own_is_closed_at_the_end_of_the_block(kind: Any, closed: list[Any]) -> None:
    with pytest.raises(ZeroDivisionError), kind.connect(session=local_session()) as connected:
        raise ZeroDivisionError
    assert closed == [getattr(connected, "core", connected).runner.transport.client]


def test_a_client_of_the_callers_is_left_open(closed: list[Any]) -> None:
    with AircraftOps.connect(client=local_session().client("dynamodb")):
        pass
    assert closed == []


def test_a_transport_that_has_nothing_to_close_is_no_error() -> None:
    with CoreTable(Memory()):
        pass


def test_a_transport_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'pigeon'"):
        AircraftOps.connect(session=local_session(), transport="pigeon")  # type: ignore[arg-type]
