"""pytest fixtures for code that uses this library: `dynamodb_endpoint`, `ops` and `clock`.

Every pytest run where this library is installed imports this module, so it imports nothing heavy itself.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from aircraftops_data import AircraftOps
    from aircraftops_data.testing.clock import ManualClock

ENGINES = ("local", "moto")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --aircraftops-engine and the ini option `aircraftops_engine`."""
    text = "the engine behind the fixtures dynamodb_endpoint and ops: local (DynamoDB Local, the default) or moto"
    parser.getgroup("aircraftops").addoption("--aircraftops-engine", choices=ENGINES, help=text)
    parser.addini("aircraftops_engine", text, default="local")


def _engine_name(config: pytest.Config) -> str:
    name = config.getoption("--aircraftops-engine") or config.getini("aircraftops_engine")
    if name not in ENGINES:
        raise pytest.UsageError(f"aircraftops_engine is {name!r}; it must be one of {', '.join(ENGINES)}")
    return str(name)


@pytest.fixture(scope="session")
def dynamodb_endpoint(pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of an empty DynamoDB on this machine, one for the whole run."""
    from aircraftops_data.testing import LocalDynamoDB, MotoServer

    with LocalDynamoDB() if _engine_name(pytestconfig) == "local" else MotoServer() as engine:
        yield engine.endpoint_url


@pytest.fixture
def clock() -> "ManualClock":
    """A clock that stands still; a test that asks for it has its `ops` use it too."""
    from aircraftops_data.testing.clock import ManualClock

    return ManualClock()


@pytest.fixture
def ops(request: pytest.FixtureRequest, dynamodb_endpoint: str) -> "Iterator[AircraftOps]":
    """An `AircraftOps` with tables of its own, dropped after the test."""
    from aircraftops_data import AircraftOps
    from aircraftops_data.clock import Chance
    from aircraftops_data.testing import local_session

    clock = request.getfixturevalue("clock") if "clock" in request.fixturenames else None
    session: Any = local_session()
    prefix = f"test-{Chance().identifier()}-"
    ops = AircraftOps.connect(endpoint_url=dynamodb_endpoint, session=session, prefix=prefix, clock=clock)
    try:
        ops.create_tables()
        yield ops
    finally:
        client = session.client("dynamodb", endpoint_url=dynamodb_endpoint)
        for name in ops.table_names():
            with suppress(client.exceptions.ResourceNotFoundException):
                client.delete_table(TableName=name)
