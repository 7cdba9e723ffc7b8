"""Payloads and results: JSON on the way in and out, and where the text lies: in the job, beside it, or in S3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from aircraftops_data.errors import CorruptItemError, DefinitionError, InvalidValueError, ItemTooLargeError
from aircraftops_data.jobs.model import Body, Place
from aircraftops_data.model.fields import problems
from aircraftops_data.model.schema import ITEM_LIMIT_BYTES

PAYLOAD_INLINE_BYTES = 256
RESULT_INLINE_BYTES = 128
"""With a payload and a result no larger than these in it, a job's item stays within 1 KB, one write unit."""
# What an item is beside its text: keys, names, marks.
_BODY_LIMIT_BYTES = ITEM_LIMIT_BYTES - 2048


@lru_cache(256)
def _adapter(model: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(model)
    except PydanticSchemaGenerationError as error:
        raise DefinitionError(f"pydantic knows no schema for {model!r}") from error


def to_text(model: Any, value: Any, what: str) -> str | None:
    """A value as JSON text; None for None where no model asks for one. Raises InvalidValueError."""
    if model is None:
        return None if value is None else _plain(value, what)
    try:
        return _adapter(model).dump_json(_adapter(model).validate_python(value), by_alias=True).decode()
    except ValidationError as error:
        found = problems(error)
        raise InvalidValueError(f"{what}: {'; '.join(found)}", problems=found) from None
    except PydanticSerializationError as error:
        raise InvalidValueError(f"{what} has no JSON form") from error


def _plain(value: Any, what: str) -> str:
    try:
        # Pydantic models and instants inside are written too; NaN would come back as something else.
        text = to_json(value, inf_nan_mode="constants", by_alias=True).decode()
        if "NaN" in text or "Infinity" in text:
            json.loads(text, parse_constant=_refuse_constant)
    except (PydanticSerializationError, ValueError) as error:
        raise InvalidValueError(f"{what} has no JSON form: {error}") from error
    return text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def from_text(model: Any, text: str | None, what: str) -> Any:
    """The value of a JSON text. Raises CorruptItemError where it does not fit its model."""
    if text is None:
        return None
    try:
        return json.loads(text) if model is None else _adapter(model).validate_json(text)
    except ValidationError as error:
        raise CorruptItemError(f"{what} does not fit", entity=what, problems=problems(error)) from None


@dataclass(frozen=True, slots=True)
class Content:
    """A text and where it will lie."""

    text: str | None
    place: Place | None

    @property
    def inline(self) -> str | None:
        """What the job's own item holds."""
        return self.text if self.place is None else None

    def bodies(self, job_id: str, name: str) -> tuple[Body, ...]:
        """The item beside the job that holds the text, where one does."""
        return (Body(job_id=job_id, name=name, text=self.text or ""),) if self.place is Place.ITEM else ()


def content(text: str | None, what: str, *, objects: bool, inline_bytes: int = PAYLOAD_INLINE_BYTES) -> Content:
    """Where a text goes. Raises ItemTooLargeError for one that no item holds, without `objects` to take it."""
    size = 0 if text is None else len(text.encode())
    if size <= inline_bytes:
        return Content(text, None)
    if size <= _BODY_LIMIT_BYTES:
        return Content(text, Place.ITEM)
    if not objects:
        raise ItemTooLargeError(
            f"{what} takes {size} bytes; without a bucket for jobs (AIRCRAFTOPS_JOBS_BUCKET) {_BODY_LIMIT_BYTES} fit",
            size_bytes=size,
            limit_bytes=_BODY_LIMIT_BYTES,
        )
    return Content(text, Place.OBJECT)


def object_key(job_id: str, name: str) -> str:
    """Where in the bucket a job's payload or result lies."""
    return f"jobs/{job_id}/{name}.json"
