"""dyntastic: a pydantic model over boto3's Table resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dyntastic import Dyntastic

from benchmarks import models, sample
from benchmarks.contender import BATCH, BLOCKING, PathName, Work, numbers, works


class Airframe(models.Airframe, Dyntastic):
    """The airframe. dyntastic makes no keys of fields, so they are given."""

    __table_name__ = sample.TABLE
    __table_region__ = "us-east-1"
    __hash_key__ = "PK"
    __range_key__ = "SK"

    PK: str
    SK: str
    GSI1PK: str
    GSI1SK: str
    GSI2PK: str
    GSI2SK: str


def airframe(number: int) -> Airframe:
    """The model of an airframe."""
    given: dict[str, Any] = {**sample.keys(number), **sample.values(number), **sample.kept(number)}
    return Airframe(**given)


class DyntasticContender:
    """The library itself."""

    name = "dyntastic"

    def __init__(self, endpoint: str) -> None:
        Airframe.__table_host__ = endpoint
        # Seen as Any, for dyntastic's own parameters have no types.
        self.model: Any = Airframe
        self.airframes = [airframe(number) for number in range(sample.FLEET)]
        self.keys = [(sample.keys(n)["PK"], sample.keys(n)["SK"]) for n in range(sample.FLEET)]
        self.numbers = numbers()

    def page(self) -> Any:
        return self.model.query_page(f"FLEET#{sample.OPERATOR}", per_page=sample.FLEET).items

    def get(self) -> Any:
        return self.model.get(*self.keys[next(self.numbers)])

    def put(self) -> None:
        self.airframes[next(self.numbers)].save()

    def write_many(self) -> int:
        with Airframe.batch_writer():
            for model in self.airframes:
                model.save()
        return sample.FLEET

    def get_many(self) -> list[Airframe]:
        return Airframe.batch_get(list(self.keys[:BATCH]))

    def paths(self) -> Mapping[PathName, Work]:
        return works(self, *BLOCKING)

    def close(self) -> None:
        """Its connections belong to the class."""
