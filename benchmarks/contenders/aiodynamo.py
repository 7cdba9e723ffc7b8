"""aiodynamo on aiohttp, and a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from aiodynamo.client import Client
from aiodynamo.credentials import Key, StaticCredentials
from aiodynamo.http.aiohttp import AIOHTTP
from aiohttp import ClientSession
from yarl import URL

from benchmarks import sample
from benchmarks.contender import Loop, PathName, Work, numbers
from benchmarks.models import Airframe


class Aiodynamo:
    """The library itself, its numbers exact."""

    name = "aiodynamo + pydantic"

    def __init__(self, endpoint: str, loop: Loop) -> None:
        self.loop = loop
        self.session = loop.run(_session())
        credentials = StaticCredentials(Key("local", "local"))
        client = Client(AIOHTTP(self.session), credentials, "us-east-1", URL(endpoint), numeric_type=Decimal)
        self.table = client.table(sample.TABLE)
        self.keys = [{name: sample.keys(n)[name] for name in ("PK", "SK")} for n in range(sample.FLEET)]
        self.numbers = numbers()

    async def get(self) -> Airframe:
        return Airframe.model_validate(await self.table.get_item(self.keys[next(self.numbers)]))

    def paths(self) -> Mapping[PathName, Work]:
        return {"get_async": lambda: self.loop.gets(self.get)}

    def close(self) -> None:
        self.loop.run(self.session.close())


async def _session() -> ClientSession:
    return ClientSession()
