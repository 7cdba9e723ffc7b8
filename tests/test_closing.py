"""Closing: what the library opened is closed at the end of a block, what the caller gave is left open."""

from __future__ import annotations

from typing import Any

import pytest

from aircraftops_data import AircraftOps, CoreTable
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.testing import local_session
from memory import Memory


class Session:
    """Stands for a boto3 session whose client counts how often it is closed."""

    closed = 0

    def client(self, *_: Any, **__: Any) -> Session:
        """The client."""
        return self

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_a_client_of_our_own_is_closed_at_the_end_of_the_block() -> None:
    for kind in (AircraftOps, CoreTable):
        session = Session()
        with pytest.raises(ZeroDivisionError), kind.connect(session=session):
            raise ZeroDivisionError
        assert session.closed == 1


def test_a_client_of_the_callers_is_left_open() -> None:
    client = Session()
    with AircraftOps.connect(client=client):
        pass
    assert client.closed == 0


def test_a_transport_that_has_nothing_to_close_is_no_error() -> None:
    with CoreTable(Memory()):
        pass


def test_a_transport_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'pigeon'"):
        AircraftOps.connect(session=local_session(), transport="pigeon")  # type: ignore[arg-type]
