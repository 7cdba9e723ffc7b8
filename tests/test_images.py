"""Images in stream records are read as entities, whichever way their binary values came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aircraftops_data import GSI1, PrimaryKey, Table
from aircraftops_data.errors import CorruptItemError, DefinitionError
from aircraftops_data.request import Request
from aircraftops_data.streams import Images
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.wire import body_of
from throwaway import declare

CAMERAS = Table("Cameras", indexes=(GSI1,))
Camera = declare(
    CAMERAS, {"id": str, "raw": bytes, "blobs": set[bytes], "inner": dict[str, bytes]}, PrimaryKey("C#{id}", "C")
)
Lens = declare(CAMERAS, {"id": str}, PrimaryKey("L#{id}", "L"))
ONE = Camera(id="1", raw=b"\xfb\xff", blobs={b"\xfb"}, inner={"a": b"\xff"})


def stored(entity: Any) -> Any:
    """The item as boto3 gives it."""
    return codec_of(entity.definition()).item(entity)


def test_an_image_is_read_as_lambda_and_as_boto3_give_it() -> None:
    as_in_lambda = json.loads(body_of(Request("x", stored(ONE))))
    assert as_in_lambda["raw"] == {"B": "+/8="}
    images = Images(Camera, Lens)
    assert images.entity(as_in_lambda) == images.entity(stored(ONE)) == ONE
    assert images.entity(stored(Lens(id="2"))) == Lens(id="2")


def test_an_image_of_another_entity_is_none() -> None:
    assert Images(Lens).entity(stored(ONE)) is None
    assert Images(Lens).entity({}) is None


def test_an_image_that_does_not_fit_is_corrupt() -> None:
    with pytest.raises(CorruptItemError, match="raw"):
        Images(Camera).entity({**stored(ONE), "raw": {"B": "@@"}})


def test_the_entities_must_be_of_one_table_that_tells_them_apart() -> None:
    untyped = declare(Table("Untyped", typed=False), {"id": str}, PrimaryKey("U#{id}", "U"))
    other = declare(Table("Others"), {"id": str}, PrimaryKey("O#{id}", "O"))
    for entities in ((), (Camera, other), (untyped,)):
        with pytest.raises(DefinitionError):
            Images(*entities)
