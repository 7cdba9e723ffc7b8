"""The connections of the direct transports: shared by threads and tasks, not by processes, and verified."""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aircraftops_data.errors import InvalidInputError, StoreError
from aircraftops_data.request import Request, Response
from aircraftops_data.transports.aio import AsyncDirectTransport, async_direct_transport
from aircraftops_data.transports.direct import DirectTransport, direct_transport
from wire_server import PATIENCE_SECONDS, WireServer, echo

CONNECTIONS = 4


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """A session with credentials that do not change."""
    return boto3.Session(aws_access_key_id="AKID", aws_secret_access_key="secret", region_name="us-east-1")


def a_client(session: boto3.Session, url: str, **config: Any) -> Any:
    """A client of a server, which may keep a few connections."""
    settings = Config(max_pool_connections=CONNECTIONS, connect_timeout=10, read_timeout=20, **config)
    return session.client("dynamodb", endpoint_url=url, config=settings)


def get(name: str) -> Request:
    """A read of the item of this name."""
    return Request("GetItem", {"TableName": "T", "Key": {"PK": {"S": name}}})


def item(name: str) -> Response:
    """The response `echo` makes of it."""
    return {"Item": {"PK": {"S": name}}}


async def until(holds: Callable[[], bool]) -> None:
    """Wait for it to hold."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not holds():
            await asyncio.sleep(0.001)


# Threads and processes


def test_threads_share_a_transport_and_each_has_its_own_answers(session: boto3.Session) -> None:
    with WireServer(usual=echo) as server, direct_transport(client=a_client(session, server.url)) as transport:

        def many(thread: int) -> None:
            for number in range(50):
                assert transport.send(get(f"{thread}/{number}")) == item(f"{thread}/{number}")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(many, range(16)))
        assert len(server.requests) == 16 * 50
        asyncio.run(until(lambda: server.open_connections <= CONNECTIONS))
        transport.close()
        asyncio.run(until(lambda: server.open_connections == 0))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_shares_no_connection_with_its_parent(session: boto3.Session) -> None:
    with WireServer(usual=echo) as server, direct_transport(client=a_client(session, server.url)) as transport:
        assert transport.send(get("before")) == item("before")
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(target=converse, args=(transport, theirs))
        child.start()
        for number in range(20):
            ours.send(f"child {number}")
            assert transport.send(get(f"parent {number}")) == item(f"parent {number}")
            assert ours.poll(PATIENCE_SECONDS)
            assert ours.recv() == item(f"child {number}")
        ours.send(None)
        child.join(PATIENCE_SECONDS)
        assert child.exitcode == 0
        assert transport.send(get("after")) == item("after")
        assert server.connections == 2


def converse(transport: DirectTransport, line: Any) -> None:
    """Read what is asked for until there is no more."""
    while (name := line.recv()) is not None:
        line.send(transport.send(get(name)))


# Tasks


def test_tasks_share_a_few_connections_and_each_has_its_own_answers(session: boto3.Session) -> None:
    async def all_of_them() -> None:
        async with async_direct_transport(client=a_client(session, server.url)) as transport:
            names = [str(number) for number in range(500)]
            answers = await asyncio.gather(*(transport.send(get(name)) for name in names))
            assert answers == [item(name) for name in names]
        await until(lambda: server.open_connections == 0)

    with WireServer(usual=echo) as server:
        asyncio.run(all_of_them())
        assert server.connections <= CONNECTIONS


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_transport_may_meet_another_loop(session: boto3.Session) -> None:
    async def once(transport: AsyncDirectTransport, name: str) -> Response:
        return await transport.send(get(name))

    with WireServer(usual=echo) as server:
        # Nobody closes the first loop's connection but the collector, which warns.
        transport = async_direct_transport(client=a_client(session, server.url))
        assert [asyncio.run(once(transport, name)) for name in "ab"] == [item("a"), item("b")]
        assert server.connections == 2


def test_two_loops_at_once_are_refused(session: boto3.Session) -> None:
    async def meanwhile(transport: AsyncDirectTransport) -> None:
        assert await transport.send(get("a")) == item("a")
        with pytest.raises(InvalidInputError, match="Another event loop"):
            await asyncio.to_thread(asyncio.run, transport.send(get("b")))
        assert await transport.send(get("c")) == item("c")
        await transport.aclose()

    with WireServer(usual=echo) as server:
        asyncio.run(meanwhile(async_direct_transport(client=a_client(session, server.url))))
        assert server.connections == 1


def test_a_cancelled_send_leaves_no_connection_and_no_turn_taken(session: boto3.Session) -> None:
    heard, over = threading.Event(), threading.Event()

    def held(connection: Any, request: bytes) -> bool:
        heard.set()
        return over.wait(PATIENCE_SECONDS) and connection.recv(1) != b""

    async def cancelled(transport: AsyncDirectTransport) -> None:
        heard.clear()
        task = asyncio.create_task(transport.send(get("a")))
        await until(heard.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def story() -> None:
        async with async_direct_transport(client=a_client(session, server.url)) as transport:
            for _ in range(CONNECTIONS):
                await cancelled(transport)
            over.set()
            await until(lambda: server.open_connections == 0)
            names = [str(number) for number in range(CONNECTIONS)]
            assert await asyncio.gather(*(transport.send(get(name)) for name in names)) == [*map(item, names)]

    with WireServer(*[held] * CONNECTIONS, usual=echo) as server:
        asyncio.run(story())


def test_closing_ends_the_sends_under_way(session: boto3.Session) -> None:
    heard = threading.Event()

    def held(connection: Any, request: bytes) -> bool:
        heard.set()
        return connection.recv(1) != b""

    async def story() -> None:
        transport = async_direct_transport(client=a_client(session, server.url))
        task = asyncio.create_task(transport.send(get("a")))
        await until(heard.is_set)
        await transport.aclose()
        with pytest.raises(InvalidInputError, match="closed"):
            await task
        await until(lambda: server.open_connections == 0)

    with WireServer(usual=held) as server:
        asyncio.run(story())


def test_refreshing_credentials_does_not_hold_up_the_loop(session: boto3.Session) -> None:
    refreshing, released = threading.Event(), threading.Event()

    def renew() -> dict[str, str]:
        refreshing.set()
        assert released.wait(PATIENCE_SECONDS)
        expires = (datetime.now(UTC) + timedelta(hours=6)).isoformat()
        return {"access_key": "AKID", "secret_key": "secret", "token": "t", "expiry_time": expires}

    async def story(transport: AsyncDirectTransport) -> None:
        async with transport:
            task = asyncio.create_task(transport.send(get("a")))
            await until(refreshing.is_set)
            released.set()
            assert await task == item("a")

    rotating = boto3.Session(region_name="us-east-1")
    inner: Any = rotating._session
    soon = datetime.now(UTC) + timedelta(minutes=1)
    inner._credentials = RefreshableCredentials("AKID", "secret", "old", soon, renew, "test")
    with WireServer(usual=echo) as server:
        asyncio.run(story(async_direct_transport(client=a_client(rotating, server.url))))
        assert b"X-Amz-Security-Token: t\r\n" in server.requests[0]


# TLS


@dataclass(frozen=True)
class Authority:
    """A certificate authority of a test's own, and servers it vouches for."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def in_folder(cls, folder: Path) -> Authority:
        """A new one; its certificate is in `ca.pem`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            _beginning(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, key, certificate)

    def server(self, host: str) -> ssl.SSLContext:
        """What a server of this name proves itself with."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        certificate = (
            _beginning(subject, self.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (self.folder / "server.pem").write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, *plain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem")
        return context


def _beginning(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that nobody trusts yet."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    return Authority.in_folder(tmp_path)


def five_reads(kind: str, client: Any) -> list[Response]:
    """What five requests in turn are answered over a transport of this kind."""
    if kind == "direct":
        with direct_transport(client=client) as transport:
            return [transport.send(get(str(number))) for number in range(5)]

    async def reads() -> list[Response]:
        async with async_direct_transport(client=client) as transport:
            return [await transport.send(get(str(number))) for number in range(5)]

    return asyncio.run(reads())


KINDS = pytest.mark.parametrize("kind", ["direct", "asyncio"])


@KINDS
def test_a_server_whose_authority_is_trusted_is_spoken_to(
    kind: str, session: boto3.Session, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.folder / "ca.pem"))
    with WireServer(usual=echo, tls=authority.server("localhost")) as server:
        assert five_reads(kind, a_client(session, server.url)) == [item(str(number)) for number in range(5)]
        assert server.connections == 1


@KINDS
@pytest.mark.parametrize("host", ["localhost", "elsewhere.example"])
def test_a_server_that_proves_nothing_is_sent_nothing(
    kind: str, host: str, session: boto3.Session, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host != "localhost":
        monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.folder / "ca.pem"))
    with WireServer(usual=echo, tls=authority.server(host)) as server:
        with pytest.raises(StoreError) as caught:
            five_reads(kind, a_client(session, server.url))
        assert server.requests == []
        assert server.connections == 1
    assert (caught.value.code, caught.value.retryable) == ("SSLCertVerificationError", False)


@KINDS
def test_a_client_that_was_refused_proof_of_itself_gets_an_error(
    kind: str, session: boto3.Session, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.folder / "ca.pem"))
    demanding = authority.server("localhost")
    demanding.load_verify_locations(authority.folder / "ca.pem")
    demanding.verify_mode = ssl.CERT_REQUIRED
    with WireServer(usual=echo, tls=demanding) as server:
        with pytest.raises(StoreError):
            five_reads(kind, a_client(session, server.url))
        assert server.requests == []
        proven = a_client(session, server.url, client_cert=str(authority.folder / "server.pem"))
        assert len(five_reads(kind, proven)) == 5
