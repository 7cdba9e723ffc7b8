"""What a run about streams found, as data."""

from __future__ import annotations

from pydantic import BaseModel

from benchmarks.measuring import Times
from benchmarks.results import Setting


class StreamResults(BaseModel):
    """One run: microseconds a record."""

    setting: Setting
    rounds: int
    load_average: float = 0.0
    views: dict[str, dict[str, Times]] = {}
    """By the images that the records have, then by the way they are read."""
    dialects: dict[str, Times] = {}
    """This library's, by the form the records come in."""
