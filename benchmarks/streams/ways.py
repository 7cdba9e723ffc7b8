"""Ways to make changes of the records of an event: this library's, Powertools' and boto3's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from benchmarks.contenders.own import Airframe

OWN = "aircraftops-data"
POWERTOOLS = "Powertools, pydantic"
DESERIALIZER = "TypeDeserializer of boto3"
DESERIALIZER_PYDANTIC = "TypeDeserializer of boto3, pydantic"
Event = dict[str, Any]
Model = Callable[[dict[str, Any]], Any]
Way = Callable[[], list[Any]]


def same_model() -> type[BaseModel]:
    """The entity's fields with their rules, in a plain model that takes no notice of other attributes."""
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in Airframe.model_fields.items()}
    return create_model("SameAirframe", __config__=ConfigDict(frozen=True, extra="ignore"), **fields)


def ways(event: Event) -> Mapping[str, Way]:
    """Each way to read this event."""
    validate = same_model().model_validate
    return {
        OWN: own(event),
        POWERTOOLS: _powertools(event, validate),
        DESERIALIZER: _deserializer(event, dict),
        DESERIALIZER_PYDANTIC: _deserializer(event, validate),
    }


def own(event: object) -> Way:
    """This library's, of an event of any dialect."""
    from aircraftops_data.streams import Decoder

    decoder = Decoder([Airframe])
    return lambda: list(decoder.records(event))


def _powertools(event: Event, model: Model) -> Way:
    """The event source data class, and what else a change says by its properties."""
    from aws_lambda_powertools.utilities.data_classes import DynamoDBStreamEvent

    def read(record: Any) -> Any:
        body = record.dynamodb
        images = (body.old_image, body.new_image)
        models = [model(image) if image else None for image in images]
        said = (record.event_id, record.event_name, record.user_identity, record.event_source_arn)
        return *said, body.keys, body.sequence_number, body.approximate_creation_date_time, *models

    return lambda: [read(record) for record in DynamoDBStreamEvent(event).records]


def _deserializer(event: Event, model: Model) -> Way:
    """The images alone, and nothing else of a record."""
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize

    def read(body: Event) -> list[Any]:
        images = [body[name] for name in ("OldImage", "NewImage") if name in body]
        return [model({name: deserialize(value) for name, value in image.items()}) for image in images]

    return lambda: [read(record["dynamodb"]) for record in event["Records"]]
