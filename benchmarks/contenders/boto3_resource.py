"""boto3's Table resource, whose items are Python values, and a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

from benchmarks import sample
from benchmarks.contender import BATCH, BLOCKING, PathName, Work, numbers, works
from benchmarks.contenders.boto3_client import airframes
from benchmarks.models import Airframe


class Boto3Resource:
    """The resource, with its batch_writer."""

    name = "boto3 resource + pydantic"

    def __init__(self, endpoint: str) -> None:
        session: Any = boto3.Session()
        self.resource = session.resource("dynamodb", endpoint_url=endpoint)
        self.table = self.resource.Table(sample.TABLE)
        self.airframes = airframes()
        self.keys = [{name: sample.keys(n)[name] for name in ("PK", "SK")} for n in range(sample.FLEET)]
        self.numbers = numbers()

    def page(self) -> list[Airframe]:
        key: Any = Key("PK")
        found = self.table.query(KeyConditionExpression=key.eq(f"FLEET#{sample.OPERATOR}"), Limit=sample.FLEET)
        return [Airframe.model_validate(item) for item in found["Items"]]

    def get(self) -> Airframe:
        return Airframe.model_validate(self.table.get_item(Key=self.keys[next(self.numbers)])["Item"])

    def put(self) -> None:
        self.table.put_item(Item=self.airframes[next(self.numbers)].stored())

    def write_many(self) -> int:
        with self.table.batch_writer() as batch:
            for airframe in self.airframes:
                batch.put_item(Item=airframe.stored())
        return sample.FLEET

    def get_many(self) -> list[Airframe]:
        found = self.resource.batch_get_item(RequestItems={sample.TABLE: {"Keys": self.keys[:BATCH]}})
        return [Airframe.model_validate(item) for item in found["Responses"][sample.TABLE]]

    def paths(self) -> Mapping[PathName, Work]:
        return works(self, *BLOCKING)

    def close(self) -> None:
        self.resource.meta.client.close()
