"""Every contender by name, made when asked for: none is imported that does not take part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

from benchmarks.contender import Contender, Loop

OURS = "aircraftops-data"
OURS_DIRECT = "aircraftops-data, direct"
OURS_ASYNC = "aircraftops-data, async"


@dataclass(frozen=True)
class Entry:
    """Where a contender is, and whether it wants an event loop."""

    module: str
    kind: str
    asynchronous: bool = False


ENTRIES: Mapping[str, Entry] = {
    OURS: Entry("own", "Own"),
    OURS_DIRECT: Entry("own", "OwnDirect"),
    OURS_ASYNC: Entry("own", "OwnAsync", asynchronous=True),
    "pydynox": Entry("pydynox", "Pydynox", asynchronous=True),
    "boto3 client + pydantic": Entry("boto3_client", "Boto3Client"),
    "boto3 resource + pydantic": Entry("boto3_resource", "Boto3Resource"),
    "pynamodb": Entry("pynamodb", "Pynamodb"),
    "dyntastic": Entry("dyntastic", "DyntasticContender"),
    "aiobotocore + pydantic": Entry("aiobotocore", "Aiobotocore", asynchronous=True),
    "aiodynamo + pydantic": Entry("aiodynamo", "Aiodynamo", asynchronous=True),
    "Powertools + pydantic": Entry("powertools", "Powertools"),
    "json.loads alone": Entry("floor", "Floor"),
}


@dataclass
class Field:
    """Those that could be made, and why the others could not."""

    contenders: list[Contender] = field(default_factory=list[Contender])
    missing: dict[str, str] = field(default_factory=dict[str, str])

    def close(self) -> None:
        """Close every contender."""
        for contender in self.contenders:
            contender.close()


def assemble(names: Iterable[str], endpoint: str, loop: Loop) -> Field:
    """Make the contenders of these names. One that cannot be made is noted with the reason, never given a number."""
    be_somebody()
    assembled = Field()
    for name in names:
        try:
            assembled.contenders.append(_made(ENTRIES[name], endpoint, loop))
        except ImportError as error:
            assembled.missing[name] = str(error)
    return assembled


def be_somebody() -> None:
    """Give this process credentials; the canned server takes any."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
    )


def _made(entry: Entry, endpoint: str, loop: Loop) -> Contender:
    kind: Callable[..., Contender] = getattr(import_module(f"benchmarks.contenders.{entry.module}"), entry.kind)
    return kind(endpoint, loop) if entry.asynchronous else kind(endpoint)
