"""Where requests go and who signs them, as botocore resolved it: endpoint, region, credentials, time-outs, TLS."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlsplit

from aircraftops_data.errors import AccessDeniedError, AircraftOpsDataError, InvalidInputError
from aircraftops_data.transports.botocore import dynamodb_client
from aircraftops_data.transports.failures import translated
from aircraftops_data.transports.http1 import NoAnswer
from aircraftops_data.transports.signing import Credentials, trimmed

# botocore's standard mode: SDKs and Tools Reference Guide, "Retry behavior".
_ATTEMPTS = 3


class CredentialSource:
    """The caller's credentials, frozen anew for every request, so that botocore's own refreshing works."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    @property
    def due(self) -> bool:
        """Whether the next `frozen` may go over the network."""
        refresh_needed = getattr(self._credentials, "refresh_needed", None)
        return refresh_needed is not None and bool(refresh_needed())

    def frozen(self, operation: str) -> Credentials:
        """The credentials for a request made now. Raises AccessDeniedError, or TimeoutError, where there are none."""
        try:
            found = None if self._credentials is None else self._credentials.get_frozen_credentials()
        except Exception as error:
            raise _not_refreshed(operation, error) from error
        if found is None:
            raise AccessDeniedError(
                f"{operation}: NoCredentialsError: boto3 finds no credentials",
                operation=operation,
                code="NoCredentialsError",
            )
        return cast("Credentials", found)


def _not_refreshed(operation: str, error: Exception) -> AircraftOpsDataError:
    """What refreshing calls may raise anything: a process, a web identity, the caller's own function."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, BotoCoreError | ClientError):
        return translated(operation, error)
    name = type(error).__name__
    return AccessDeniedError(f"{operation}: {name}: the credentials were not refreshed", operation=operation, code=name)


@dataclass(frozen=True)
class Endpoint:
    """Everything a transport needs to know of where it sends; time-outs are in seconds, None for none."""

    host: str
    port: int
    authority: str
    path: str
    canonical_path: str
    service: str
    region: str
    credentials: CredentialSource
    user_agent: str
    connect_timeout: float | None
    read_timeout: float | None
    connections: int
    attempts: int
    socket_options: Sequence[tuple[int, int, int]]
    tls: ssl.SSLContext | None


def not_connected(endpoint: Endpoint, error: OSError) -> NoAnswer:
    """What it means that there was no connection, by botocore's name for it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NoAnswer("SSLCertVerificationError", words(error))
    if isinstance(error, TimeoutError):
        return NoAnswer("ConnectTimeoutError", f"No connection within {endpoint.connect_timeout} s")
    return NoAnswer("EndpointConnectionError", f"{endpoint.authority}: {words(error)}")


def words(error: OSError) -> str:
    """What an error says, or at least what it is."""
    return str(error) or type(error).__name__


def endpoint_of(
    session: Any = None, client: Any = None, endpoint_url: str | None = None, region: str | None = None
) -> Endpoint:
    """The endpoint of a client of botocore: the caller's own, or one made of the session as boto3 would.

    Raises InvalidInputError for settings that make no client (no region), and for those these transports lack: a proxy,
    certificates that are not verified.
    """
    if client is not None and (session is not None or endpoint_url is not None):
        raise InvalidInputError("A client has its session and endpoint already; give neither beside it")
    try:
        return _resolved(
            dynamodb_client(session, endpoint_url=endpoint_url, region=region) if client is None else client
        )
    except AttributeError as error:
        raise InvalidInputError(f"The direct transports need a client of botocore: {error}") from error


def _resolved(client: Any) -> Endpoint:
    # botocore keeps credentials, TLS and proxies, as it resolved them, in these two; nothing public shows them.
    http, signer = client._endpoint.http_session, client._request_signer
    config, url = client.meta.config, urlsplit(str(client.meta.endpoint_url))
    if http._proxy_config.proxy_url_for(client.meta.endpoint_url):
        raise InvalidInputError(
            f"A proxy is configured for {url.hostname}: the direct transports use none, the botocore transport does. "
            "NO_PROXY excepts a host."
        )
    # Older releases of botocore know no such mode.
    if getattr(config, "account_id_endpoint_mode", None) == "required":
        raise InvalidInputError("account_id_endpoint_mode is required: the direct transports use the region's endpoint")
    if url.scheme not in ("http", "https"):
        raise InvalidInputError(f"An endpoint URL begins with http:// or https://, not {url.scheme}://")
    if url.query:
        raise InvalidInputError("An endpoint URL with a query cannot be used")
    secure = url.scheme == "https"
    return Endpoint(
        host=url.hostname or "",
        port=url.port or (443 if secure else 80),
        authority=_authority(url.hostname or "", url.port, 443 if secure else 80),
        path=quote(url.path or "/", safe="/~%"),
        canonical_path=_canonical(url.path),
        service=signer.signing_name,
        region=signer.region_name,
        credentials=CredentialSource(signer._credentials),
        user_agent=trimmed(config.user_agent),
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
        connections=config.max_pool_connections,
        attempts=config.retries.get("total_max_attempts") or _ATTEMPTS,
        socket_options=http._socket_options,
        tls=_tls(http._verify, config.client_cert) if secure else None,
    )


def _authority(host: str, port: int | None, usual: int) -> str:
    """The Host header: the port where it is not the scheme's own, brackets around an IPv6 address."""
    name = f"[{host}]" if ":" in host else host
    return name if port in (None, usual) else f"{name}:{port}"


def _canonical(path: str) -> str:
    from botocore.utils import normalize_url_path  # pyright: ignore[reportUnknownVariableType]

    return quote(cast("str", normalize_url_path(path)), safe="/~")


def _tls(verify: Any, client_certificate: Any) -> ssl.SSLContext:
    """Certificates and host names are always verified, against the CA bundle botocore would use."""
    from botocore.httpsession import get_cert_path  # pyright: ignore[reportUnknownVariableType]

    bundle = cast("Any", get_cert_path(verify))
    if not bundle:
        raise InvalidInputError("The direct transports verify certificates: name a CA bundle instead of verify=False")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    chain = (client_certificate,) if isinstance(client_certificate, str) else client_certificate or ()
    try:
        context.load_verify_locations(cafile=bundle)
        if chain:
            context.load_cert_chain(*chain)
    except OSError as error:
        raise InvalidInputError(f"The CA bundle {bundle}, or the client's certificate, cannot be read") from error
    return context
