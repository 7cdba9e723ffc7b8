"""No library at all: what it takes to parse the same bytes, without making anything of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.contender import PathName, Work
from benchmarks.replies import page_start


class Floor:
    """The standard library's JSON parser on the body of a page."""

    name = "json.loads alone"

    def __init__(self, endpoint: str) -> None:
        self.body = page_start() + b"}"

    def page(self) -> Any:
        return json.loads(self.body)["Items"]

    def paths(self) -> Mapping[PathName, Work]:
        return {"page": self.page}

    def close(self) -> None:
        """Nothing is held."""
