"""AWS Signature Version 4 for POST requests, the same bytes as botocore's signer makes.

Source: AWS IAM User Guide, "Create a signed AWS API request" (Signature Version 4, signing with headers).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(Protocol):
    """Credentials frozen for one request, as botocore gives them."""

    access_key: str
    secret_key: str
    token: str | None


def trimmed(value: str) -> str:
    """A header's value as it is signed: no outer spaces, inner ones single. A trimmed value has no line break."""
    return " ".join(value.split())


class Signer:
    """Signs requests to one path, service and region. Safe between threads."""

    def __init__(self, *, service: str, region: str, path: str = "/") -> None:
        self._service, self._region = service, region
        self._beginning = f"POST\n{path}\n\n"
        self._scope = f"/{region}/{service}/aws4_request"
        # One tuple, replaced as a whole: threads see the old key or the new, never half of each.
        self._derived = ("", "", b"")

    def authorization(
        self, credentials: Credentials, stamp: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> str:
        """The Authorization header of a request with these `headers`: lower-case names in order, values trimmed.

        `stamp` is the instant as in X-Amz-Date, such as 20150830T123600Z.
        """
        names = ";".join([name for name, _ in headers])
        lines = "".join([f"{name}:{value}\n" for name, value in headers])
        canonical = f"{self._beginning}{lines}\n{names}\n{sha256(body).hexdigest()}"
        day = stamp[:8]
        scope = day + self._scope
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(credentials.secret_key, day), to_sign.encode(), "sha256").hex()
        return f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"

    def _key(self, secret: str, day: str) -> bytes:
        """The key of a day, derived when the day or the secret changes."""
        known_secret, known_day, key = self._derived
        if known_day == day and known_secret == secret:
            return key
        key = f"AWS4{secret}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._derived = (secret, day, key)
        return key
