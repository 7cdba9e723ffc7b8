"""Payloads and results in S3, blocking. Its twin is `jobs.aio.objects`."""

from __future__ import annotations

from typing import Any

from aircraftops_data.jobs.bucket import Bucket


class ObjectStore:
    """A bucket for texts that no item holds. Nothing is sent until the first is stored."""

    def __init__(self, name: str, session: Any = None, client: Any = None) -> None:
        self._bucket = Bucket(name, session, client)

    def put(self, key: str, text: str) -> None:
        """Store a text. Raises ObjectStoreError."""
        self._bucket.put(key, text)

    def get(self, key: str) -> str:
        """A stored text. Raises ObjectStoreError."""
        return self._bucket.get(key)
