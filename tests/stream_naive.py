"""Routers and quarantines as one might write them at first: each breaks one promise, and the proofs must see it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aircraftops_data.streams.change import Record
from aircraftops_data.streams.parked import Held
from aircraftops_data.streams.quarantine import Quarantine
from aircraftops_data.streams.router import LambdaContext, Router
from stream_judging import ATTEMPTS, MARGIN, Deploy, Setting, registered
from stream_scenes import Kept, Part, Scene


def named(*records: Record) -> dict[str, Any]:
    """A response that names these."""
    return {"batchItemFailures": [{"itemIdentifier": record.source_id} for record in records]}


class Raising(Router):
    """Has the whole batch delivered again."""

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        taken = self.take(self.decoder.records(event))
        if taken.error is not None:
            raise taken.error
        return named()


class GoingOn(Router):
    """Deals with the records behind a failed one."""

    def failed(self, event: Any) -> list[Record]:
        """All that failed."""
        return [record for record in self.decoder.records(event) if self.take([record]).failed is not None]

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        return named(*self.failed(event)[:1])


class NamingAll(GoingOn):
    """And names all that failed."""

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        return named(*self.failed(event))


class Forgetting(GoingOn):
    """And names none."""

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        self.failed(event)
        return named()


class NamingTheFirst(Router):
    """Names the first record of the batch, whichever failed."""

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        records = self.decoder.records(event)
        return named() if self.take(records).failed is None else named(records[0])


class NamingTheNext(Router):
    """Names the record behind the one that failed."""

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        records = self.decoder.records(event)
        return named(*records[self.take(records).done + 1 :][:1])


class Timeless(Router):
    """Does not look at the time."""

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event."""
        return super().handle(event, None)


class HoldingNothing(Quarantine):
    """Parks a record, and none behind it."""

    def among(self, records: Collection[Record]) -> dict[str, Held]:
        """What is held."""
        return {}

    def park(self, record: Record, error: Exception) -> Held | None:
        """Park a record."""
        super().park(record, error)
        return None


class Remembering(Quarantine):
    """Asks once what is held, for as long as the process lives."""

    _known: dict[str, Held] | None = None

    def among(self, records: Collection[Record]) -> dict[str, Held]:
        """What is held."""
        if self._known is None:
            self._known = super().among(records)
        return self._known


class Dropping(Quarantine):
    """Says that a record is parked behind others, and it is not."""

    def park_behind(self, record: Record) -> bool:
        """Park a record behind others."""
        return True


class Stubborn(Quarantine):
    """Tries far too often before it parks."""

    def __init__(self, core: Any, name: str, *, attempts: int = ATTEMPTS) -> None:
        super().__init__(core, name, attempts=20 * attempts)


def router_of(kind: type[Router] = Router, quarantine: type[Quarantine] | None = Quarantine) -> Deploy:
    """The deployment of these."""

    def deploy(scene: Scene, setting: Setting) -> Any:
        kept = None if quarantine is None else quarantine(scene.core, "stock", attempts=ATTEMPTS)
        return registered(scene, kind([Part], quarantine=kept, margin=MARGIN, clock=scene.clock))

    return deploy


def _clinging(scene: Scene, setting: Setting) -> Any:
    """The router as it is, with a sink that gives nothing up."""

    def newer(one: Kept, other: Kept) -> bool:
        return one.part is not None

    scene.newer = newer  # type: ignore[method-assign]
    return router_of()(scene, setting)


CONTROLS: dict[str, tuple[Deploy, str]] = {
    "raises": (router_of(Raising), "raised"),
    "goes on behind a failed record": (router_of(GoingOn), "another order"),
    "names all": (router_of(NamingAll), "more than one"),
    "forgets what failed": (router_of(Forgetting, None), "is lost"),
    "names the first": (router_of(NamingTheFirst), "is named and has not failed"),
    "names the next": (router_of(NamingTheNext), "is lost"),
    "holds nothing": (router_of(quarantine=HoldingNothing), "another order"),
    "remembers what was held": (router_of(quarantine=Remembering), "another order"),
    "drops what is behind": (router_of(quarantine=Dropping), "is lost"),
    "tries too often": (router_of(quarantine=Stubborn), "was named"),
    "a sink that keeps what is removed": (_clinging, "the sink has another"),
}
"""How each is deployed, and what the proofs must say of it."""
