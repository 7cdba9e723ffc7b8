"""Scenes for whoever deals with a stream: a stockroom whose parts change, functions and a sink that fail and crash.

A part's mood is what becomes of those who deal with it. Everything else that may go wrong, the schedule is asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, ClassVar

from pydantic import field_validator

from aircraftops_data import CoreTable, Entity, PrimaryKey, Table
from aircraftops_data.clock import Chance, Retry
from aircraftops_data.coordination import Locks
from aircraftops_data.core.context import Context
from aircraftops_data.errors import InvalidValueError, StoreError
from aircraftops_data.request import Request, Response
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.sink import Refused
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from faults import lost_reply, lost_request, passing, throttled
from lambda_mapping import CrashError, FunctionContext
from sim_engine import MemoryEngine
from sim_schedule import Schedule
from stream_world import Key, StreamWorld

STOCK = Table("Stock", ttl_attribute="delete_at")
PLAIN, CURSED, REFUSED, BURSTING, CORRUPT, SHY = "plain", "cursed", "refused", "bursting", "corrupt", "shy"
MOODS = (CURSED, REFUSED, BURSTING, CORRUPT, SHY)
INDEX, ALERT, SINK = "index", "alert", "sink"
_SINCE = 1_577_836_800_000


class Release:
    """What is deployed: a mended one deals with everything."""

    mended: ClassVar[bool] = False


class Part(Entity, table=STOCK, entity_type="part"):
    """Something in a bin, so many of it."""

    bin: str
    number: str
    count: int = 0
    mood: str = PLAIN

    primary = PrimaryKey("BIN#{bin}", "PART#{number}")

    @field_validator("mood")
    @classmethod
    def _known(cls, mood: str) -> str:
        if mood == CORRUPT and not Release.mended:
            raise ValueError("nobody knows this mood")
        return mood


KEYS: tuple[Key, ...] = tuple((f"BIN#{name}", f"PART#{number}") for name in "AB" for number in "12")


class DoomedError(Exception):
    """It fails however often it is tried."""


class HiccupError(Exception):
    """It goes well the next time."""


@dataclass(frozen=True)
class Deed:
    """What one of those who deal with changes did with one, in which call of the function."""

    by: str
    key: Key
    sequence: int
    done: bool
    call: int


@dataclass(frozen=True)
class Storm:
    """What may go wrong here, other than by the moods of parts."""

    functions: bool = True
    engine: bool = True
    crashes: bool = True
    time: bool = True
    """Whether some take so long that nobody can foresee it."""
    seconds: float = 0.0
    """How long each takes at least."""


CALM = Storm(functions=False, engine=False, crashes=False, time=False)


@dataclass
class Kept:
    """What a sink has of an item; None for what was removed."""

    age: int
    part: dict[str, Any] | None


class Scene:
    """The table, its stream, an engine for the quarantine, and what everybody did. `call` numbers what is under way."""

    def __init__(self, schedule: Schedule, storm: Storm = CALM, shards: int = 1, seed: int = 0) -> None:
        Release.mended = False
        self.schedule = schedule
        self.storm = storm
        self.clock = ManualClock()
        self.world = StreamWorld(self.clock, shards=shards)
        self.engine = MemoryEngine(self.clock.monotonic)
        self.deeds: list[Deed] = []
        self.kept: dict[Key, Kept] = {}
        self.call = 0
        self.replays: set[int] = set()
        """The calls in which somebody replays the quarantine; what is shy goes well then, and only then."""
        self.troubles: Counter[str] = Counter()
        """How often what went wrong, by the schedule."""
        self.meanwhile: Callable[[], object] = lambda: None
        """What others do beside somebody, wherever that takes time."""
        self._context: FunctionContext | None = None
        self._inside = False
        context = Context(clock=self.clock, chance=Chance(Random(seed)), retry=Retry(attempts=3))
        self.core = CoreTable(_Line(self), context)

    # The stockroom

    def stock(self, key: Key, mood: str = PLAIN, lasts: timedelta | None = None) -> None:
        """A part is written: with one more than before, or for the first time."""
        self.world.put(self._item(key, mood, lasts))

    def both(self, keys: Sequence[Key], mood: str = PLAIN) -> None:
        """Parts are written together."""
        self.world.transact([self._item(key, mood, None) for key in keys], [])

    def scrap(self, key: Key) -> None:
        """A part is deleted, if it is there."""
        if key in self.world.items:
            self.clock.advance(0.01)
            self.world.delete(key)

    def _item(self, key: Key, mood: str, lasts: timedelta | None) -> dict[str, Any]:
        self.clock.advance(0.01)
        now, before = self.clock.now(), self.world.items.get(key, {})
        version = int(before.get("version", {"N": "0"})["N"]) + 1
        names = {"bin": key[0].removeprefix("BIN#"), "number": key[1].removeprefix("PART#")}
        made = Part.model_construct(
            **names,
            count=version,
            mood=mood,
            version=version,
            created_at=now,
            updated_at=now,
            expires_at=None if lasts is None else now + lasts,
        )
        item = codec_of(Part.definition()).item(made)
        return item | {"created_at": before.get("created_at", item["created_at"])}

    # What goes wrong

    @contextmanager
    def calling(self, context: FunctionContext | None = None) -> Iterator[None]:
        """A call of the function is under way."""
        before = self._context, self._inside, self.call
        self._calls = getattr(self, "_calls", 0) + 1
        self._context, self._inside, self.call = context, True, self._calls
        try:
            yield
        finally:
            self._context, self._inside, self.call = before

    def befalls(self, kinds: Sequence[str], allowed: bool) -> str:
        """What happens here; "" for nothing."""
        if not (allowed and self._inside):
            return ""
        chosen = self.schedule.choose(len(kinds) + 1)
        if not chosen or (kinds[chosen - 1].startswith("crash") and not self.storm.crashes):
            return ""
        self.troubles[kinds[chosen - 1]] += 1
        return kinds[chosen - 1]

    def crash(self) -> None:
        """The process is gone."""
        raise CrashError("gone")

    def work(self, seconds: float) -> None:
        """Time passes; Lambda ends a function that has none left."""
        self.clock.advance(seconds)
        if self._context is not None and self._context.get_remaining_time_in_millis() == 0:
            self.troubles["timeout"] += 1
            self.crash()

    # Those who deal with changes

    def index(self, change: Change[Part]) -> None:
        """A function that wants everything."""
        self._deal(INDEX, change)

    def alert(self, change: Change[Part]) -> None:
        """A function that wants some."""
        self._deal(ALERT, change)

    def _deal(self, by: str, change: Change[Part]) -> None:
        self.meanwhile()
        befalls = self.befalls(("crash before", "hiccup", "crash after"), self.storm.functions)
        if befalls == "crash before":
            self.crash()
        self.work(self.storm.seconds)
        if self.storm.time and self._inside:
            self.work((0, 0, 25, 28)[self.schedule.choose(4)])
        shy = mood_of(change) == SHY and self.call not in self.replays
        if befalls == "hiccup" or ((mood_of(change) == CURSED or shy) and not Release.mended):
            self.did(by, change, done=False)
            raise HiccupError if befalls else DoomedError
        self.did(by, change, done=True)
        if befalls == "crash after":
            self.crash()

    def did(self, by: str, change: Change[Any], *, done: bool) -> None:
        """Write down what was done."""
        assert change.sequence is not None
        key = change.keys["PK"]["S"], change.keys["SK"]["S"]
        self.deeds.append(Deed(by, key, change.sequence, done, self.call))

    def write(self, changes: Sequence[Change[Any]]) -> list[Refused]:
        """A sink that keeps the state of parts, and takes only what is newer than what it has."""
        self.meanwhile()
        befalls = self.befalls(("crash before", "away", "crash midway", "crash after"), self.storm.functions)
        if befalls == "crash before":
            self.crash()
        bursting = [change for change in changes if mood_of(change) == BURSTING and not Release.mended]
        for change in bursting:
            self.did(SINK, change, done=False)
        if bursting:
            raise ValueError("bursting")
        if befalls == "away":
            raise StoreError("away", retryable=True)
        refused = self._keep(changes[: len(changes) // 2] if befalls == "crash midway" else changes)
        if befalls:
            self.crash()
        return refused

    def _keep(self, changes: Sequence[Change[Any]]) -> list[Refused]:
        refused: dict[str, Refused] = {}
        for change in changes:
            self.meanwhile()
            if change.place in refused:
                continue
            if mood_of(change) == REFUSED and not Release.mended:
                self.did(SINK, change, done=False)
                refused[change.place] = Refused(change, InvalidValueError("refused"))
                continue
            self.did(SINK, change, done=True)
            key = change.keys["PK"]["S"], change.keys["SK"]["S"]
            newest = Kept(age_of(change), None if change.new is None else change.new.model_dump(mode="json"))
            if key not in self.kept or self.newer(newest, self.kept[key]):
                self.kept[key] = newest
        return list(refused.values())

    def newer(self, one: Kept, other: Kept) -> bool:
        """Whether the sink takes this for that."""
        return one.age > other.age


class _Line:
    """To the engine; requests and replies may get lost, and the process with them."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def send(self, request: Request) -> Response:
        """The response, or what becomes of it."""
        scene = self._scene
        scene.meanwhile()
        befalls = scene.befalls(tuple(_FAULTS), scene.storm.engine)
        if befalls == "crash before sending":
            scene.crash()
        response = _FAULTS.get(befalls, passing)(request, scene.engine.send)
        if befalls == "crash after sending":
            scene.crash()
        return response


_FAULTS = {
    "crash before sending": passing,
    "crash after sending": passing,
    "throttled": throttled,
    "request lost": lost_request,
    "reply lost": lost_reply,
}


def mood_of(change: Change[Any]) -> str:
    """The mood of the part, or of what it was."""
    part = change.new or change.old
    return PLAIN if part is None else str(part.mood)


def age_of(change: Change[Any]) -> int:
    """What a sink tells changes of an item apart by: when it was made, then its version; a removal is one more."""
    part = change.new or change.old
    assert part is not None
    assert part.created_at is not None
    made = int(part.created_at.timestamp() * 1000) - _SINCE
    return (made << 21 | part.version) + (change.new is None)


class StillLocks:
    """Locks without a heartbeat, for time only passes when told to; whoever wants one waits for it."""

    def __init__(self, core: CoreTable) -> None:
        self._locks = Locks(core)

    @contextmanager
    def hold(self, name: str, *, lease: timedelta, wait: timedelta) -> Iterator[Any]:
        """Hold a lock; a process that is gone gives none back, and others see that after a while.

        Its lease is shorter than what a record may take, so that some are lost.
        """
        lock = self._locks.acquire(name, lease=lease / 2, wait=wait)
        try:
            yield lock
        except Exception:
            with suppress(StoreError):
                lock.release()
            raise
        lock.release()
