"""The S3 side of jobs: texts in a bucket, by boto3."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from aircraftops_data.errors import ObjectStoreError


class Bucket:
    """Texts in a bucket; boto3's client is made when the first is stored or asked for."""

    def __init__(self, name: str, session: Any, client: Any) -> None:
        self.name = name
        self._session = session
        self._given = client

    @cached_property
    def _client(self) -> Any:
        import boto3

        session: Any = self._session or boto3.Session()
        return self._given or session.client("s3")

    def put(self, key: str, text: str) -> None:
        """Store a text as JSON. Raises ObjectStoreError."""
        body = text.encode()
        self._call("put_object", key, Body=body, ContentType="application/json")

    def get(self, key: str) -> str:
        """A stored text. Raises ObjectStoreError."""
        found: bytes = self._call("get_object", key)
        return found.decode()

    def _call(self, operation: str, key: str, **given: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            response = getattr(self._client, operation)(Bucket=self.name, Key=key, **given)
            return response["Body"].read() if "Body" in response else None
        except (BotoCoreError, ClientError) as error:
            raise ObjectStoreError(f"{operation} failed: {type(error).__name__}", bucket=self.name, key=key) from error
