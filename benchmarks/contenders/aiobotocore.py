"""aiobotocore's client and a pydantic model; aioboto3's client is this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from aiobotocore.session import get_session  # type: ignore[import-untyped]

from benchmarks import sample
from benchmarks.contender import CONCURRENCY, Loop, PathName, Work, numbers
from benchmarks.contenders.boto3_client import Typed, keys_of
from benchmarks.models import Airframe


class Aiobotocore:
    """The client, with a connection for every get under way."""

    name = "aiobotocore + pydantic"

    def __init__(self, endpoint: str, loop: Loop) -> None:
        self.loop = loop
        config = AioConfig(max_pool_connections=CONCURRENCY)
        session: Any = get_session()
        self.context = session.create_client("dynamodb", endpoint_url=endpoint, config=config)
        self.client: Any = loop.run(self.context.__aenter__())
        self.typed, self.keys, self.numbers = Typed(), keys_of(), numbers()

    async def get(self) -> Airframe:
        found = await self.client.get_item(TableName=sample.TABLE, Key=self.keys[next(self.numbers)])
        return self.typed.model(found["Item"])

    def paths(self) -> Mapping[PathName, Work]:
        return {"get_async": lambda: self.loop.gets(self.get)}

    def close(self) -> None:
        self.loop.run(self.context.__aexit__(None, None, None))
