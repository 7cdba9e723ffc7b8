"""Payloads and results in S3, for asyncio: boto3 at work in threads. Its twin is `jobs.objects`."""

from __future__ import annotations

import asyncio
from typing import Any

from aircraftops_data.jobs.bucket import Bucket


class AsyncObjectStore:
    """A bucket for texts that no item holds. Nothing is sent until the first is stored."""

    def __init__(self, name: str, session: Any = None, client: Any = None) -> None:
        self._bucket = Bucket(name, session, client)

    async def put(self, key: str, text: str) -> None:
        """Store a text. Raises ObjectStoreError."""
        await asyncio.to_thread(self._bucket.put, key, text)

    async def get(self, key: str) -> str:
        """A stored text. Raises ObjectStoreError."""
        return await asyncio.to_thread(self._bucket.get, key)
