"""Powertools for AWS Lambda: its reading of a stream event, and a pydantic model."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent

from benchmarks.contender import PathName, Work
from benchmarks.events import stream_event
from benchmarks.models import Airframe


class Powertools:
    """The event source data class."""

    name = "Powertools + pydantic"

    def __init__(self, endpoint: str) -> None:
        self.event = stream_event()

    def decode_stream(self) -> list[Airframe]:
        records = DynamoDBStreamEvent(self.event).records
        changes = [record.dynamodb for record in records]
        return [Airframe.model_validate(change.new_image) for change in changes if change is not None]

    def paths(self) -> Mapping[PathName, Work]:
        return {"decode_stream": self.decode_stream}

    def close(self) -> None:
        """Nothing is held."""
