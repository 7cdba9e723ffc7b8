"""Signature Version 4: AWS's own test vectors, and botocore's signer for everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.clock import Chance
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from aircraftops_data.transports.courier import Courier
from aircraftops_data.transports.endpoint import endpoint_of
from aircraftops_data.transports.signing import Signer, trimmed
from aircraftops_data.wire import body_of

# AWS's "Signature Version 4 test suite" (aws-sig-v4-test-suite), of which these are requests as this signer makes them:
# POST, path "/", no query. AWS General Reference, "Examples of the complete Signature Version 4 signing process".
EXAMPLE = ReadOnlyCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None)  # type: ignore[call-arg]
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt"
    "hAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX"
    "AkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
HOST = ("host", "example.amazonaws.com")
STAMP = "20150830T123600Z"
DATE = ("x-amz-date", STAMP)
FORM = ("content-type", "application/x-www-form-urlencoded")
VECTORS: dict[str, tuple[list[tuple[str, str]], bytes, str]] = {
    "post-vanilla": ([HOST, DATE], b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-header-key-sort": (
        [HOST, ("my-header1", "value1"), DATE],
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        [HOST, ("my-header1", "VALUE1"), DATE],
        b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-sts-header-before": (
        [HOST, DATE, ("x-amz-security-token", TOKEN)],
        b"",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
    "post-x-www-form-urlencoded": (
        [FORM, HOST, DATE],
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("name", list(VECTORS))
def test_awss_own_examples_are_signed_as_aws_says(name: str) -> None:
    headers, body, signature = VECTORS[name]
    signer = Signer(service="service", region="us-east-1")
    names = ";".join(name for name, _ in headers)
    assert signer.authorization(EXAMPLE, STAMP, headers, body) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
KEYS = st.text(VISIBLE, min_size=1, max_size=60)
TOKENS = st.none() | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=300).filter(str.strip)
HOSTS = st.sampled_from(
    ["dynamodb.us-east-1.amazonaws.com", "LocalHost", "127.0.0.1", "[::1]", "[2001:DB8::1]", "vpce-1.example.com"]
)
PORTS = st.sampled_from(["", ":80", ":443", ":8000", ":65535"])
PATHS = st.sampled_from(["", "/", "/a", "/a/", "/a/b~c", "/a//b", "/a/../b", "/./a", "/a:b", "/%41", "/a%20b"])
INSTANTS = st.floats(1344556800, 7258032000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(
    access=KEYS,
    secret=KEYS,
    token=TOKENS,
    url=st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS, PATHS),
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]),
    operation=st.sampled_from(["GetItem", "TransactWriteItems", "DescribeTimeToLive"]),
    name=st.text(max_size=40),
    times=st.lists(INSTANTS, min_size=1, max_size=3),
)
def test_a_request_is_signed_as_botocore_signs_it(
    access: str, secret: str, token: str | None, url: str, region: str, operation: str, name: str, times: list[datetime]
) -> None:
    credentials = ReadOnlyCredentials(access, secret, token)  # type: ignore[call-arg]
    clock = ManualClock(times[0])
    endpoint = endpoint_of(client=Client(url, region))
    courier = Courier(endpoint, clock, Chance())
    request = Request(operation, {"TableName": name})
    for now in times:
        clock.set(now, backwards=True)
        delivery = courier.deliver(request)
        next(delivery)
        sent = headers_of(delivery.send(credentials))
        assert sent["Authorization"] == theirs(credentials, url, region, now, sent, body_of(request))
        assert token is None or sent["X-Amz-Security-Token"] == trimmed(token)


def theirs(credentials: Any, url: str, region: str, now: datetime, sent: dict[str, str], body: bytes) -> str:
    """The Authorization header botocore makes of the same request, which finds the host by itself."""
    headers = {name: sent[name] for name in ("Content-Type", "X-Amz-Target")}
    request = AWSRequest("POST", url, headers, body)
    signer: Any = auth.SigV4Auth(credentials, "dynamodb", region)  # type: ignore[no-untyped-call]
    # What add_auth does, but for its clock, which is another in each release.
    request.context["timestamp"] = now.strftime(auth.SIGV4_TIMESTAMP)
    signer._modify_request_before_signing(request)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    signer._inject_signature_to_request(request, signature)
    return str(request.headers["Authorization"])


def headers_of(message: Any) -> dict[str, str]:
    """The header fields of a request."""
    head = bytes(message).partition(b"\r\n\r\n")[0].decode()
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:])


class Client:
    """What the transports read of a botocore client, without the time it takes to make one."""

    def __init__(self, url: str, region: str) -> None:
        from types import SimpleNamespace as Of

        config = Of(
            user_agent="test", connect_timeout=1, read_timeout=1, max_pool_connections=1, retries={}, client_cert=None
        )
        http = Of(_proxy_config=Of(proxy_url_for=lambda url: None), _socket_options=[], _verify=True)
        self.meta = Of(config=config, endpoint_url=url)
        self._endpoint = Of(http_session=http)
        self._request_signer = Of(signing_name="dynamodb", region_name=region, _credentials=None)


def test_a_key_of_another_day_or_secret_is_derived_anew() -> None:
    signer, fresh = (Signer(service="dynamodb", region="us-east-1") for _ in range(2))
    other = EXAMPLE._replace(secret_key="another")
    headers = [HOST, DATE]
    signer.authorization(EXAMPLE, STAMP, headers, b"")
    for credentials, stamp in ((EXAMPLE, "20150831T000000Z"), (other, STAMP), (EXAMPLE, STAMP)):
        expected = Signer(service="dynamodb", region="us-east-1").authorization(credentials, stamp, headers, b"")
        assert signer.authorization(credentials, stamp, headers, b"") == expected
    assert fresh.authorization(EXAMPLE, STAMP, headers, b"") == signer.authorization(EXAMPLE, STAMP, headers, b"")


@pytest.mark.parametrize("access", ["AKID\r\nX-Evil: 1", "AKID\n"])
def test_an_access_key_cannot_add_a_header(access: str) -> None:
    from aircraftops_data.errors import AccessDeniedError

    endpoint = endpoint_of(client=Client("http://localhost:1", "us-east-1"))
    delivery = Courier(endpoint, ManualClock(), Chance()).deliver(Request("GetItem", {}))
    next(delivery)
    with pytest.raises(AccessDeniedError, match="line break"):
        delivery.send(EXAMPLE._replace(access_key=access))


def test_a_session_token_cannot_add_a_header() -> None:
    endpoint = endpoint_of(client=Client("http://localhost:1", "us-east-1"))
    delivery = Courier(endpoint, ManualClock(), Chance()).deliver(Request("GetItem", {}))
    next(delivery)
    message = delivery.send(EXAMPLE._replace(token=" a\r\nX-Evil: 1\n"))
    assert headers_of(message)["X-Amz-Security-Token"] == "a X-Evil: 1"
    assert "X-Evil" not in headers_of(message)
