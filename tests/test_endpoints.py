"""Endpoint, region, credentials and limits are botocore's; what the direct transports lack is refused at once."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from aircraftops_data.errors import AccessDeniedError, InvalidInputError
from aircraftops_data.request import Request
from aircraftops_data.transports.aio import async_direct_transport
from aircraftops_data.transports.direct import direct_transport
from aircraftops_data.transports.endpoint import Endpoint, endpoint_of

FACTORIES: list[Callable[..., Any]] = [direct_transport, async_direct_transport]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing of this machine's own settings."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


def a_session(region: str = "us-east-1") -> boto3.Session:
    """A session with credentials."""
    return boto3.Session(aws_access_key_id="AKID", aws_secret_access_key="secret", region_name=region)


def place(endpoint: Endpoint) -> str:
    """Where requests go, and the region they are signed for."""
    return f"{'https' if endpoint.tls else 'http'}://{endpoint.host}:{endpoint.port}{endpoint.path} {endpoint.region}"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "dynamodb.us-east-1.amazonaws.com"),
        ("eu-central-1", "dynamodb.eu-central-1.amazonaws.com"),
        ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "dynamodb.us-gov-west-1.amazonaws.com"),
    ],
)
def test_a_region_of_any_partition_has_its_endpoint(region: str, host: str) -> None:
    endpoint = endpoint_of(a_session(region))
    assert place(endpoint) == f"https://{host}:443/ {region}"
    assert endpoint.authority == host
    assert endpoint.service == "dynamodb"


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"use_fips_endpoint": True}, "dynamodb-fips.us-east-1.amazonaws.com"),
        ({"use_dualstack_endpoint": True}, "dynamodb.us-east-1.api.aws"),
    ],
    ids=["fips", "dualstack"],
)
def test_variants_of_an_endpoint_are_found(settings: dict[str, Any], host: str) -> None:
    client = a_session().client("dynamodb", config=Config(**settings))
    assert endpoint_of(client=client).host == host


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_an_endpoint_of_the_environment_is_used(name: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(name, "http://localhost:8123/under")
    endpoint = endpoint_of(a_session())
    assert place(endpoint) == "http://localhost:8123/under us-east-1"
    assert endpoint.authority == "localhost:8123"


def test_an_endpoint_of_the_configuration_file_is_used(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[default]\nregion = eu-west-3\nservices = here\n[services here]\ndynamodb =\n  endpoint_url = http://db:1234\n"
    )
    assert place(endpoint_of(boto3.Session())) == "http://db:1234/ eu-west-3"


def test_an_endpoint_given_goes_before_the_environments(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://localhost:8123")
    assert place(endpoint_of(a_session(), endpoint_url="http://[::1]:9")) == "http://::1:9/ us-east-1"
    assert endpoint_of(a_session(), endpoint_url="http://[::1]:9").authority == "[::1]:9"


def test_limits_are_those_of_botocores_config() -> None:
    usual = endpoint_of(a_session())
    assert (usual.connect_timeout, usual.read_timeout, usual.connections, usual.attempts) == (60, 60, 50, 3)
    config = Config(
        connect_timeout=1, read_timeout=2, max_pool_connections=3, retries={"max_attempts": 4}, user_agent="me/1"
    )
    mine = endpoint_of(client=a_session().client("dynamodb", config=config))
    assert (mine.connect_timeout, mine.read_timeout, mine.connections, mine.attempts) == (1, 2, 3, 5)
    assert mine.user_agent.startswith("me/1")


def test_the_number_of_tries_may_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_MAX_ATTEMPTS", "7")
    assert endpoint_of(a_session()).attempts == 7


def test_the_options_of_a_socket_are_botocores() -> None:
    import socket

    no_delay, alive = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert list(endpoint_of(a_session()).socket_options) == [no_delay]
    client = a_session().client("dynamodb", config=Config(tcp_keepalive=True))
    assert list(endpoint_of(client=client).socket_options) == [no_delay, alive]


# What they do not do


@pytest.mark.parametrize("make", FACTORIES)
def test_a_proxy_of_the_environment_is_refused_where_it_applies(
    make: Callable[..., Any], environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("HTTPS_PROXY", "http://user:password@proxy:3128")
    with pytest.raises(InvalidInputError, match="the botocore transport does") as caught:
        make(a_session())
    assert "password" not in str(caught.value)
    assert make(a_session(), endpoint_url="http://localhost:8000") is not None
    environment.setenv("NO_PROXY", ".amazonaws.com")
    assert make(a_session()) is not None


def test_a_proxy_of_the_config_is_refused() -> None:
    client = a_session().client("dynamodb", config=Config(proxies={"https": "proxy:3128"}))
    with pytest.raises(InvalidInputError, match="proxy"):
        endpoint_of(client=client)


def test_certificates_that_are_not_verified_are_refused() -> None:
    client = a_session().client("dynamodb", verify=False)
    with pytest.raises(InvalidInputError, match="verify"):
        endpoint_of(client=client)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_cannot_be_read_is_refused(
    content: str | None, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    environment.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with pytest.raises(InvalidInputError, match=r"ca\.pem"):
        endpoint_of(a_session())


def test_certificates_and_host_names_are_verified() -> None:
    tls = endpoint_of(a_session()).tls
    assert tls is not None
    assert tls.check_hostname
    assert tls.verify_mode == ssl.CERT_REQUIRED
    assert tls.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("make", FACTORIES)
def test_no_region_is_the_callers_to_mend(make: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInputError, match="region"):
        make(boto3.Session(aws_access_key_id="a", aws_secret_access_key="b"))


@pytest.mark.parametrize("make", FACTORIES)
@pytest.mark.parametrize("beside", [{"session": "a session"}, {"endpoint_url": "http://localhost:1"}], ids=str)
def test_a_client_has_its_settings_already(make: Callable[..., Any], beside: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="neither"):
        make(**beside, client=a_session().client("dynamodb"))


def test_what_is_no_client_of_botocore_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="client of botocore"):
        endpoint_of(client=object())


def test_an_endpoint_with_a_query_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="query"):
        endpoint_of(a_session(), endpoint_url="http://localhost:1/?a=b")


@pytest.mark.parametrize("make", FACTORIES)
def test_an_endpoint_of_another_scheme_is_refused(make: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInputError, match="not ftp://"):
        make(a_session(), endpoint_url="ftp://localhost:8000")


def test_without_credentials_access_is_denied_before_anything_is_sent() -> None:
    request = Request("GetItem", {"TableName": "T", "Key": {}})
    transport = direct_transport(boto3.Session(region_name="us-east-1"))
    with transport, pytest.raises(AccessDeniedError) as caught:
        transport.send(request)
    assert (caught.value.code, caught.value.retryable) == ("NoCredentialsError", False)


def test_a_direct_transport_loads_no_client_of_http() -> None:
    import subprocess
    import sys

    program = (
        "import sys, aircraftops_data.transports.aio; print(*[n for n in ('boto3', 'aiohttp') if n in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == []


def test_endpoints_by_account_id_are_refused_where_they_are_required() -> None:
    config = Config(account_id_endpoint_mode="required")
    with pytest.raises(InvalidInputError, match="account_id_endpoint_mode"):
        endpoint_of(client=a_session().client("dynamodb", config=config))
