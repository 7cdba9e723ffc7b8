"""Machines that contend for a lock and write a register under its fence, and what must hold whatever befalls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from aircraftops_data import Entity, PrimaryKey, Table
from aircraftops_data.coordination import LockOptions
from aircraftops_data.coordination.aio import AsyncLock, AsyncLocks
from aircraftops_data.errors import ConflictError, LockHeldError, LockLostError, StoreError
from aircraftops_data.translation.codec import codec_of
from sim_engine import Change
from sim_schedule import Schedule
from sim_world import Machine, World

LEASE = timedelta(seconds=1)
OPTIONS = LockOptions(margin=timedelta(seconds=0.2), poll=timedelta(seconds=0.3))
# Beyond the lease, the margin and a poll: whoever stops for so long finds that another has followed, and is at work.
# Two thirds of it are more than the lease alone.
LONG_SECONDS = 1.75
SHORT_SECONDS = 0.1
NAME = "tape"


class Register(Entity, table=Table("RegisterTable"), entity_type="register"):
    """What the lock protects: the token it was written with last."""

    name: str
    token: int = 0
    writes: int = 0

    primary = PrimaryKey("REGISTER#{name}", "REGISTER")


@dataclass(frozen=True)
class Rules:
    """How machines go about it."""

    rounds: int = 1
    nap: timedelta = LEASE / 3
    """How long a holder does nothing between two writes; then comes its heartbeat."""
    background: bool = False
    """Whether the lease is kept in the background, as `hold` does it."""
    brief: bool = False
    """Whether what is done under the lock is a single write."""
    wait: timedelta = timedelta(seconds=20)
    protection: Literal["fence", "guard", "none"] = "fence"
    """What the register is written with."""
    forced: bool = False
    """Whether somebody releases the lock by force now and then: then who believes to hold it may be wrong."""
    restarts: bool = False
    """Whether a machine that died is followed by another, which knows nothing."""
    orphaned: bool = False
    """Whether the lock was taken by a machine that died at once."""
    clocks: Sequence[dict[str, Any]] = ({}, {})
    """What is amiss with the clocks of each machine; there are as many as these."""
    suspends: bool = False


@dataclass
class Taken:
    """A lock as a machine has it."""

    machine: Machine
    lock: AsyncLock
    at: float
    over: bool = False
    """Whether the machine is done with it."""

    @property
    def believed(self) -> bool:
        """Whether the machine, asked now, would say that it holds the lock."""
        try:
            self.lock.check()
        except LockLostError:
            return False
        return self.machine.alive


@dataclass
class Scene:
    """Machines, the register, and the locks that were taken."""

    rules: Rules
    world: World
    machines: list[Machine] = field(default_factory=list[Machine])
    taken: list[Taken] = field(default_factory=list[Taken])
    late: int = 0
    """How many locks were over by the time their machine got them."""
    refused: list[str] = field(default_factory=list[str])
    """Who was told in the midst of it that the lock was another's."""

    @classmethod
    def set(cls, rules: Rules, schedule: Schedule) -> Scene:
        """All machines about to begin, one a little after the other."""
        world = World(Schedule(), short_seconds=SHORT_SECONDS, long_seconds=LONG_SECONDS)
        world.suspends = rules.suspends
        scene = cls(rules, world)
        if rules.orphaned:
            machine = world.machine("dead")
            world.start(machine, scene.die)
            world.run(1.0)
        world.schedule = schedule
        register = codec_of(Register.definition()).item(Register(name=NAME))
        world.engine.put("RegisterTable", register)
        for number, clock in enumerate(rules.clocks):
            machine = world.machine(f"m{number}", origin=1000.0 * number, **clock)
            scene.machines.append(machine)
            world.start(machine, scene.contend, 0.001 * number)
        if rules.forced:
            operator = world.machine("operator")
            world.start(operator, scene.release_by_force, 0.2)
        world.watch = scene.look
        return scene

    # Programs

    async def contend(self, machine: Machine) -> None:
        """Take the lock, write, live a while, write again, give it back; and all of it again."""
        locks = AsyncLocks(machine.core, options=OPTIONS)
        done = 0
        while done < self.rules.rounds:
            with suppress(LockHeldError, StoreError):
                lock = await locks.acquire(NAME, lease=LEASE, wait=self.rules.wait, owner=machine.name)
                taken = self.took(machine, lock)
                done += 1
                try:
                    await self.hold(machine, lock)
                except ConflictError:
                    self.refused.append(machine.name)
                finally:
                    taken.over = True
                if self.rules.protection == "fence":
                    # Whether it was given back or lost: nobody may write with it any more.
                    with suppress(ConflictError):
                        await self.write(machine, lock)

    async def die(self, machine: Machine) -> None:
        """Take the lock, and nothing more."""
        self.took(machine, await AsyncLocks(machine.core, options=OPTIONS).acquire(NAME, lease=LEASE))
        machine.alive = False

    def took(self, machine: Machine, lock: AsyncLock) -> Taken:
        """Keep the lock in mind."""
        self.world.tell(machine, f"has {lock}")
        taken = Taken(machine, lock, self.world.now)
        self.taken.append(taken)
        self.late += not taken.believed
        if self.rules.background:
            self.world.start(machine, lambda _: self.keep(taken), LEASE.total_seconds() / 3)
        return taken

    async def keep(self, taken: Taken) -> None:
        """Heartbeats beside what the holder does, as long as it may go on."""
        while taken.believed and not taken.over:
            await taken.lock.beat()
            await taken.machine.clock.sleep_async(LEASE.total_seconds() / 3)

    async def hold(self, machine: Machine, lock: AsyncLock) -> None:
        """What is done under the lock. What was not answered may be gone on with: the next says how things stand."""
        await self.write(machine, lock)
        if not self.rules.brief:
            await machine.clock.sleep_async(self.rules.nap.total_seconds())
            with suppress(StoreError):
                await lock.heartbeat()
            await self.write(machine, lock)
        try:
            await lock.release()
        except StoreError:
            await self.release_again(lock)

    async def release_again(self, lock: AsyncLock) -> None:
        """Who does not know whether the lock is free looks after it once more."""
        with suppress(StoreError):
            await lock.heartbeat()
        await lock.release()

    async def write(self, machine: Machine, lock: AsyncLock) -> None:
        """Write the register with one's token. Raises ConflictError where the protection refuses it."""
        written: dict[str, Any] = {"name": NAME, "set": {"token": lock.token}, "add": {"writes": 1}}
        if self.rules.protection == "fence":
            async with machine.core.transaction() as tx:
                tx.update(Register, **written)
                tx.add(lock.fence())
            return
        if self.rules.protection == "guard":
            written["where"] = lock.guard(Register.f.token).where
        await machine.core.update(Register, **written)

    async def release_by_force(self, machine: Machine) -> None:
        """An operator's doing."""
        locks = AsyncLocks(machine.core, options=OPTIONS)
        with suppress(ConflictError, StoreError, LookupError):
            await locks.release(NAME, (await locks.get(NAME)).token)

    # What must hold

    def look(self) -> None:
        """After each event."""
        self.assert_excluded()
        for place, machine in enumerate(self.machines):
            if self.rules.restarts and not machine.alive:
                another = self.machines[place] = self.world.machine(machine.name, rate=machine.clock.rate)
                self.world.start(another, self.contend, SHORT_SECONDS)

    def assert_excluded(self) -> None:
        """Who believes to hold the lock holds it, and so nobody else does."""
        if self.rules.forced or self.rules.suspends:
            return
        believed = [taken.lock.token for taken in self.taken if taken.believed]
        assert len(believed) <= 1, f"{believed} are held at once"
        if not believed:
            return
        stored = [item for item in self.world.engine.items("JobsTable") if item["SK"]["S"] == "TOKEN"]
        held = [int(item["token"]["N"]) for item in stored if item["state"]["S"] == "held"]
        assert believed == held, f"{believed} is believed while {held} is held"

    def assert_in_order(self) -> None:
        """Tokens rise with each acquisition, no two machines have the same, and the register never goes back."""
        tokens = self.numbers("lock", "token", _acquired)
        assert tokens == sorted(set(tokens)), f"acquired with {tokens}"
        assert len({taken.lock.token for taken in self.taken}) == len(self.taken), "two hold one token"
        assert {taken.lock.token for taken in self.taken} <= set(tokens), "a token nobody gave"
        written = self.numbers("register", "token")
        assert written == sorted(written), f"written with {written}"

    def assert_written_while_held(self) -> None:
        """Each write of the register is by who has the lock just then."""
        held: int | None = None
        for change in self.world.engine.history:
            if change.of("lock"):
                held = _token(change) if _state(change) == "held" else None
            elif change.of("register") and change.before is not None:
                assert _token(change) == held, f"written with {_token(change)} while {held} holds"

    def assert_served(self) -> None:
        """Whoever lives has had the lock as often as it wanted."""
        for machine in self.machines:
            had = sum(taken.machine is machine for taken in self.taken)
            assert had == self.rules.rounds or not machine.alive, f"{machine.name} had it {had} times"

    def numbers(self, kind: str, attribute: str, which: Callable[[Change], bool] = bool) -> list[int]:
        """What a number of the items of a kind became, in order."""
        changes = [change for change in self.world.engine.history if change.of(kind) and which(change)]
        return [int(change.after[attribute]["N"]) for change in changes if change.after is not None]


def _state(change: Change) -> str:
    return "" if change.after is None else str(change.after["state"]["S"])


def _token(change: Change) -> int:
    assert change.after is not None
    return int(change.after["token"]["N"])


def _acquired(change: Change) -> bool:
    """Whether the change gave the lock to somebody."""
    return _state(change) == "held" and (
        change.before is None or change.before["token"] != (change.after or {})["token"]
    )


def play(rules: Rules, seconds: float = 40.0) -> Callable[[Schedule], Scene]:
    """Play a schedule by these rules, to its end or for so long, and look that all holds."""

    def played(schedule: Schedule) -> Scene:
        scene = Scene.set(rules, schedule)
        scene.world.run(seconds)
        scene.assert_in_order()
        if rules.protection == "fence":
            scene.assert_written_while_held()
        return scene

    return played
