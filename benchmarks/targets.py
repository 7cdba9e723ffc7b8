"""What this library wants to reach: at most so much of what a peer takes."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.contender import PathName
from benchmarks.registry import OURS, OURS_ASYNC, OURS_DIRECT
from benchmarks.results import Results

_BOTO3 = "boto3 client + pydantic"


@dataclass(frozen=True)
class Target:
    """On a path, `ours` takes at most `at_most` times what `theirs` does: clock time where that counts."""

    path: PathName
    ours: str
    theirs: str
    at_most: float

    def ratio(self, results: Results) -> float | None:
        """What was measured; None where one of the two was not."""
        outcomes = results.paths.get(self.path, {})
        if self.ours not in outcomes or self.theirs not in outcomes:
            return None
        return outcomes[self.ours].times.ratio_to(outcomes[self.theirs].times, wall=self.path == "get_async")


TARGETS = (
    Target("page", OURS, "pydynox", 0.25),
    Target("page", OURS, "json.loads alone", 1.5),
    Target("get", OURS, _BOTO3, 0.85),
    Target("get", OURS_DIRECT, "pydynox", 0.6),
    Target("put", OURS_DIRECT, "pydynox", 0.6),
    Target("get_async", OURS_ASYNC, "pydynox", 0.5),
    Target("get_async", OURS_ASYNC, "aiobotocore + pydantic", 0.2),
    Target("encode", OURS, _BOTO3, 0.3),
    Target("write_many", OURS, "boto3 resource + pydantic", 1 / 3),
    Target("write_many", OURS, "pydynox", 1.0),
    Target("decode_stream", OURS, "Powertools + pydantic", 1 / 3),
)
