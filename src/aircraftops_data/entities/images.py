"""What is known of an image; the image itself lies in S3."""

from typing import Annotated

from pydantic import Field, HttpUrl, PlainSerializer, StringConstraints

from aircraftops_data.entities.aircraft import ShortText
from aircraftops_data.entities.values import Icao24, ImageState, Sha256
from aircraftops_data.model.declarations import Index, PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import CORE, GSI1, GSI2

ImageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
SourceUrl = Annotated[HttpUrl, PlainSerializer(str)]


class ImageMetadata(Entity, table=CORE, entity_type="image"):
    """An image of an aircraft: where it came from, where it is kept, and how far its handling has come."""

    image_id: ImageId
    icao24: Icao24
    state: ImageState = ImageState.PENDING
    source_url: SourceUrl | None = None
    bucket: ShortText | None = None
    key: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    content_type: ShortText | None = None
    size_bytes: Annotated[int, Field(ge=0)] | None = None
    width: Annotated[int, Field(gt=0)] | None = None
    height: Annotated[int, Field(gt=0)] | None = None
    sha256: Sha256 | None = None
    rejected_because: ShortText | None = None

    primary = PrimaryKey("AIRCRAFT#{icao24}", "IMAGE#{image_id}")
    by_state = Index(GSI1, "IMAGE_STATE#{state}", "IMAGE#{image_id}")
    by_id = Index(GSI2, "IMAGE#{image_id}", "AIRCRAFT#{icao24}")
