"""boto3's client and a pydantic model, with boto3's own TypeSerializer and TypeDeserializer between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from benchmarks import sample
from benchmarks.contender import BATCH, BLOCKING, PathName, Work, numbers, works
from benchmarks.events import stream_event
from benchmarks.models import Airframe


def airframes() -> list[Airframe]:
    """The fleet as pydantic models."""
    return [Airframe(**sample.values(n), **sample.kept(n)) for n in range(sample.FLEET)]


def keys_of(count: int = sample.FLEET) -> list[dict[str, Any]]:
    """Primary keys as attribute values."""
    return [{name: sample.item(n)[name] for name in ("PK", "SK")} for n in range(count)]


class Typed:
    """Items to models and back, by boto3's own types."""

    def __init__(self) -> None:
        serializer: Any = TypeSerializer()
        deserializer: Any = TypeDeserializer()
        self._serialize = serializer.serialize
        self._deserialize = deserializer.deserialize

    def model(self, item: Mapping[str, Any]) -> Airframe:
        """The model of an item."""
        return Airframe.model_validate({name: self._deserialize(value) for name, value in item.items()})

    def item(self, airframe: Airframe) -> dict[str, Any]:
        """The item of a model."""
        return {name: self._serialize(value) for name, value in airframe.stored().items()}


class Boto3Client:
    """The client, whose items are DynamoDB's attribute values."""

    name = "boto3 client + pydantic"

    def __init__(self, endpoint: str) -> None:
        session: Any = boto3.Session()
        self.client = session.client("dynamodb", endpoint_url=endpoint)
        self.typed = Typed()
        self.airframes = airframes()
        self.keys = keys_of()
        self.numbers = numbers()
        self.event = stream_event()

    def page(self) -> list[Airframe]:
        found = self.client.query(
            TableName=sample.TABLE,
            KeyConditionExpression="PK = :fleet",
            ExpressionAttributeValues={":fleet": {"S": f"FLEET#{sample.OPERATOR}"}},
            Limit=sample.FLEET,
        )
        return [self.typed.model(item) for item in found["Items"]]

    def get(self) -> Airframe:
        found = self.client.get_item(TableName=sample.TABLE, Key=self.keys[next(self.numbers)])
        return self.typed.model(found["Item"])

    def put(self) -> None:
        self.client.put_item(TableName=sample.TABLE, Item=self.typed.item(self.airframes[next(self.numbers)]))

    def encode(self) -> bytes:
        item = self.typed.item(self.airframes[next(self.numbers)])
        return json.dumps(item, separators=(",", ":")).encode()

    def write_many(self) -> int:
        for start in range(0, sample.FLEET, 25):
            puts = [{"PutRequest": {"Item": self.typed.item(a)}} for a in self.airframes[start : start + 25]]
            left = self.client.batch_write_item(RequestItems={sample.TABLE: puts})["UnprocessedItems"]
            assert not left
        return sample.FLEET

    def get_many(self) -> list[Airframe]:
        found = self.client.batch_get_item(RequestItems={sample.TABLE: {"Keys": self.keys[:BATCH]}})
        return [self.typed.model(item) for item in found["Responses"][sample.TABLE]]

    def decode_stream(self) -> list[Airframe]:
        return [self.typed.model(record["dynamodb"]["NewImage"]) for record in self.event["Records"]]

    def paths(self) -> Mapping[PathName, Work]:
        return works(self, *BLOCKING, "encode", "decode_stream")

    def close(self) -> None:
        self.client.close()
