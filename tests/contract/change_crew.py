"""Deployers in processes of their own that apply the same changes, and are killed, stopped and lied to meanwhile."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from time import sleep

from change_journal import ChangeTally, call, count, declared
from job_crew import Shift

from aircraftops_data import CoreTable, Entity, PrimaryKey
from aircraftops_data.coordination import (
    Change,
    ChangeContext,
    ChangeOptions,
    Changes,
    LockOptions,
    LockToken,
    fencing,
    stepping,
)
from aircraftops_data.core.intents import Put
from aircraftops_data.errors import ChangeStoppedError, LockHeldError, LockLostError, StoreError
from aircraftops_data.model.schema import CORE

OPTIONS = ChangeOptions(scope="crash", lease=timedelta(seconds=0.75), wait=timedelta(minutes=2))
LOCK_OPTIONS = LockOptions(margin=timedelta(milliseconds=200), poll=timedelta(milliseconds=200))
LOST = 3


class ChangeGate(Entity, table=CORE, entity_type="change_gate"):
    """Somebody came here, or may go on from here."""

    name: str

    primary = PrimaryKey("CHANGE_GATE#{name}", "GATE")


class Deployed(Entity, table=CORE, entity_type="change_deployed"):
    """A deployer came to the end of its list, and made these itself."""

    run: str = "crash"
    worker: str
    made: list[str]

    primary = PrimaryKey("CHANGE_DEPLOYED#{run}", "BY#{worker}")


@dataclass(frozen=True)
class Deployment(Shift):
    """What a deployer is told."""

    chunks: int = 24
    takes_seconds: float = 0.05
    """How long a part of a change takes."""
    waits_at: str = ""
    """The part at which to wait for a gate."""
    without: tuple[str, ...] = ()
    """What is taken away that refuses a late one: the fence of the lock, the version of the record."""

    def changes(self) -> Changes:
        """The changes, by this deployer."""
        changes = Changes(self.core(), options=OPTIONS, operator=self.worker or None)
        changes._locks.options = LOCK_OPTIONS
        return changes

    def places(self, id: str) -> list[str]:
        """The parts of a change."""
        return [f"{id}-{number}" for number in range(self.chunks)] if "chunked" in id else [id]

    def declared(self) -> list[Change]:
        """The list, the same for all."""
        modes = {"a atomic": "atomic", "b chunked": "chunked", "c external": "external"}
        modes |= {"d atomic": "atomic", "e chunked": "chunked"}
        return [
            declared(id, self._made, mode=mode, recovery="retry", parameters={"id": id}) for id, mode in modes.items()
        ]

    def _made(self, context: ChangeContext) -> None:
        id = context.parameters["id"]
        number = int(context.cursor or 0)
        place = self.places(id)[number]
        if id == "c external":
            call(context, id)
        else:
            count(context, place)
            context.tx.update(ChangeTally, place=f"{place} token", set={"count": context.lock.token})
        self._take_time(context.core, place)
        if "chunked" in id:
            context.go_on(str(number + 1) if number + 1 < self.chunks else None, done=1, total=self.chunks)

    def _take_time(self, core: CoreTable, place: str) -> None:
        # Long enough that most of what happens to a deployer happens in the middle of a part.
        sleep(self.takes_seconds)
        if place == self.waits_at:
            core.put(ChangeGate(name="inside"))
            while core.find(ChangeGate, name="go on", consistent=True) is None:
                sleep(0.02)

    def counted(self) -> list[str]:
        """The parts of all changes that are counted."""
        return [place for change in self.declared() if change.mode != "external" for place in self.places(change.id)]


def deploy(deployment: Deployment) -> None:
    """Apply the list until it is applied, whatever comes in between."""
    _take_away(deployment)
    changes = deployment.changes()
    while True:
        try:
            made = changes.apply(deployment.declared())
        except (StoreError, LockHeldError, LockLostError):
            # Nobody knows what became of it, or another is at it.
            continue
        changes.core.create(Deployed(worker=deployment.worker, made=[record.id for record in made]))
        return


def deploy_once(deployment: Deployment) -> None:
    """Apply the list, and stop where another has taken over."""
    _take_away(deployment)
    try:
        deployment.changes().apply(deployment.declared())
    except (LockLostError, ChangeStoppedError):
        sys.exit(LOST)


def _take_away(deployment: Deployment) -> None:
    """Take away what refuses a late one, in this process."""
    if "fence" in deployment.without:
        fencing.held_under = lambda token: LockToken.f.token >= 0
    if "version" in deployment.without:
        stepping.Replace = Put  # type: ignore[assignment,misc]
