"""Engines for the whole suite: every contract test runs on moto and on DynamoDB Local, there by three transports."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Any

import boto3
import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings

from aircraftops_data import JOBS, AircraftOps, CoreTable, Table
from aircraftops_data.clock import Chance
from aircraftops_data.core.context import Context
from aircraftops_data.core.provisioning import create_request
from aircraftops_data.jobs import Jobs
from aircraftops_data.model.schema import TABLES
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import LocalDynamoDB, LocalOpenSearch, LocalQueues, ManualClock, local_session
from blocking import BlockingCore, BlockingOps
from jobs_over import jobs_over
from sim_engine import MemoryEngine

settings.register_profile(
    "fast",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", parent=settings.get_profile("fast"), max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

DIRECT, ASYNC = "local-direct", "local-async"
MEMORY = "memory"
"""Of this suite's own, for sweeps through every place where things may go wrong; see sim_engine.py."""
# moto answers botocore's clients alone.
ENGINES = [pytest.param("moto"), *(pytest.param(name, marks=pytest.mark.slow) for name in ("local", DIRECT, ASYNC))]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What the tests' modules make stays to the end: looking it all through for garbage took a fifth of the run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that only uses `client` would meet the same one on DynamoDB Local again and again."""
    items[:] = [item for item in items if _engine_of(item) not in (DIRECT, ASYNC) or _connects(item)]


def _connects(item: pytest.Item) -> bool:
    return not {"connect", "anew", "aircraft_ops"}.isdisjoint(getattr(item, "fixturenames", ()))


def _engine_of(item: pytest.Item) -> object:
    return item.callspec.params.get("engine") if hasattr(item, "callspec") else None


@pytest.fixture(scope="session", autouse=True)
def _botocore_reads_its_data_once() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Every session would parse botocore's megabytes of JSON anew, and changes nothing in them."""
    read = cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        yield


@pytest.fixture(scope="session", autouse=True)
def _moto_answers_botocore_alone() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Every `mock_aws` would also make two thousand patterns for `requests`, by which nobody here asks."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("moto.core.models.RESPONSES_METHODS", [])
        yield


@pytest.fixture(scope="session")
def local_endpoint() -> Iterator[str]:
    """The endpoint of a DynamoDB Local of this run's own."""
    with LocalDynamoDB() as engine:
        yield engine.endpoint_url


@pytest.fixture(scope="session")
def opensearch_endpoint() -> Iterator[str]:
    """The endpoint of an OpenSearch of this run's own."""
    with LocalOpenSearch() as engine:
        yield engine.endpoint_url


@pytest.fixture(scope="session")
def queues_endpoint() -> Iterator[str]:
    """The endpoint of an ElasticMQ of this run's own."""
    with LocalQueues() as engine:
        yield engine.endpoint_url


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine a contract test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One boto3 session, for it reads botocore's data once."""
    # A session takes moto's hooks when it is made, and only if moto was imported by then.
    import moto  # noqa: F401  # pyright: ignore[reportUnusedImport]

    return local_session()


@pytest.fixture
def client(engine: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A boto3 client of the engine, the same for all tests: making one takes longer than most of them."""
    if engine != "moto":
        yield request.getfixturevalue("local_client")
        return
    from moto import mock_aws

    with mock_aws():
        yield request.getfixturevalue("moto_client")


@pytest.fixture(scope="session")
def local_client(session: boto3.Session, local_endpoint: str) -> Any:
    """A client of DynamoDB Local."""
    return session.client("dynamodb", endpoint_url=local_endpoint)


@pytest.fixture(scope="session")
def moto_client(session: boto3.Session) -> Any:
    """A client of moto, wherever that is at work."""
    # An engine named in the environment is for the other parameter; moto answers in process.
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
        return session.client("dynamodb")


Connect = Callable[..., CoreTable]


def _make(client: Any, tables: Sequence[Table], context: Context) -> list[str]:
    """Make tables as `create_tables` does, but without a look first: their names. Engines have them active at once."""
    for table in tables:
        client.create_table(**create_request(table, context, TableOptions()).parameters)
        if table.ttl_attribute is not None:
            ttl = {"Enabled": True, "AttributeName": table.ttl_attribute}
            client.update_time_to_live(TableName=context.names[table], TimeToLiveSpecification=ttl)
    return [context.names[table] for table in tables]


def _drop(client: Any, engine: str, names: Sequence[str]) -> None:
    """Drop tables; what moto has ends with the test anyway."""
    for name in names if engine != "moto" else ():
        client.delete_table(TableName=name)


def _kind(engine: str, asyncio: Any, blocking: Any) -> Any:
    return asyncio if engine == ASYNC else blocking


def _transport(engine: str) -> dict[str, str]:
    return {"transport": "direct"} if engine == DIRECT else {}


@pytest.fixture
def connect(client: Any, engine: str) -> Iterator[Connect]:
    """Makes a `CoreTable` over fresh tables of these definitions: `connect(TABLE, ..., clock=...)`."""
    made: list[str] = []
    cores = ExitStack()

    def fresh(*tables: Table, **options: Any) -> CoreTable:
        options |= {"client": client, "prefix": f"t{Chance().identifier()}-", **_transport(engine)}
        core: CoreTable = cores.enter_context(_kind(engine, BlockingCore, CoreTable).connect(**options))
        made.extend(_make(client, tables, core.context))
        return core

    with cores:
        yield fresh
    _drop(client, engine, made)


@pytest.fixture
def anew(engine: str, request: pytest.FixtureRequest) -> Connect:
    """As `connect`, for the cases of a sweep: in memory each has an engine of its own, elsewhere all have one table."""
    if engine != MEMORY:
        return cache(request.getfixturevalue("connect"))

    def made(*tables: Table, **options: Any) -> CoreTable:
        return CoreTable(MemoryEngine(), Context(**options))

    return made


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until a test moves it."""
    return ManualClock()


@pytest.fixture
def aircraft_ops(client: Any, engine: str) -> Iterator[AircraftOps]:
    """An `AircraftOps` with tables of its own."""
    options = {"client": client, "prefix": f"t{Chance().identifier()}-", **_transport(engine)}
    with _kind(engine, BlockingOps, AircraftOps).connect(**options) as ops:
        made = _make(client, TABLES, ops.core.context)
        yield ops
    _drop(client, engine, made)


@pytest.fixture
def fresh_names(local_endpoint: str) -> Iterator[str]:
    """A prefix for tables on DynamoDB Local; whatever is made under it is gone after the test."""
    prefix = f"t{Chance().identifier()}-"
    yield prefix
    client = local_session().client("dynamodb", endpoint_url=local_endpoint)
    for page in client.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if name.startswith(prefix):
                client.delete_table(TableName=name)


@pytest.fixture
def core_of_jobs(connect: Connect, clock: ManualClock) -> CoreTable:
    """A fresh JobsTable, at a time the test holds in its hand."""
    return connect(JOBS, clock=clock)


@pytest.fixture
def jobs(core_of_jobs: CoreTable) -> Jobs:
    """Its jobs."""
    return jobs_over(core_of_jobs)
