"""Runs of a router over a stream under Lambda's mapping, and what must hold of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.jobs import Jobs
from aircraftops_data.streams.quarantine import Quarantine
from aircraftops_data.streams.router import Router
from aircraftops_data.translation.codec import codec_of
from lambda_mapping import CrashError, Function, FunctionContext, LambdaMapping, MappingOptions
from sim_schedule import Schedule
from stream_scenes import ALERT, CALM, CORRUPT, INDEX, KEYS, MOODS, PLAIN, SINK, Part, Release, Scene, StillLocks, Storm
from stream_world import Key, Raw, key_in, sequence_of

MARGIN = timedelta(seconds=5)
ATTEMPTS = 3
JOBS_TABLE = "JobsTable"


@dataclass(frozen=True)
class Setting:
    """How a stream is dealt with in a run."""

    storm: Storm = CALM
    options: MappingOptions = field(default_factory=MappingOptions)
    quarantined: bool = True
    once: bool = False
    moods: tuple[str, ...] = MOODS
    shards: int = 1
    replays: bool = True
    """Whether somebody replays the quarantine while the stream goes on."""
    races: bool = False
    """Whether the two meet: one goes on between any two requests of the other."""


_STEPS = {"stock": 50, "scrap": 12, "both": 10, "lasts": 6, "split": 3, "roll": 4, "hours": 3}
Deploy = Callable[["Run"], Any]


def a_router(run: Run) -> Router:
    """The one to be proved."""
    scene, setting = run.scene, run.setting
    once = Jobs(scene.core).once if setting.once else None
    quarantine = Quarantine(scene.core, "stock", attempts=ATTEMPTS) if setting.quarantined else None
    router = Router([Part], quarantine=quarantine, once=once, margin=MARGIN, clock=scene.clock)
    return registered(run, router)


def registered(run: Run, router: Any) -> Any:
    """A router with everybody who wants changes of parts."""
    router.on(Part, name=INDEX)(run.scene.index)
    router.on(Part, "modify", "remove", name=ALERT)(run.scene.alert)
    router.into(run.scene, Part)
    return router


def _nobody() -> None:
    """Nobody does anything beside."""


def wanting(raw: Raw) -> set[str]:
    """Who wants a record."""
    return {INDEX, SINK} if raw["eventName"] == "INSERT" else {INDEX, ALERT, SINK}


def is_poison(raw: Raw) -> bool:
    """Whether a record cannot be read by what is deployed."""
    images = [raw["dynamodb"].get(name, {}) for name in ("OldImage", "NewImage")]
    return not Release.mended and any(image.get("mood") == {"S": CORRUPT} for image in images)


@dataclass
class Stored:
    """What the quarantine holds, by the sequence numbers of records and by their items."""

    parked: set[int] = field(default_factory=set[int])
    through: dict[Key, int] = field(default_factory=dict[Key, int])
    open: set[Key] = field(default_factory=set[Key])


class Run:
    """A scene, the mapping, and what was found to be wrong."""

    def __init__(self, schedule: Schedule, setting: Setting, deploy: Deploy = a_router, seed: int = 0) -> None:
        self.setting = setting
        self.scene = Scene(schedule, setting.storm, setting.shards, seed)
        self.wrong: list[str] = []
        self.checkpointed: dict[int, int] = {}
        """The call that each record was dealt with in, as its answer says."""
        self.replays: set[int] = set()
        self.named: Counter[int] = Counter()
        """How often a record was named as failed, with time left to deal with it."""
        self.stops = 0
        """How often there was no time left."""
        self._deploy = deploy
        self._random = Random(seed)
        self._racing = False
        self.mapping = LambdaMapping(self.scene.world, self._function, setting.options, schedule)

    def _function(self) -> Function:
        router = self._deploy(self)

        def function(event: dict[str, Any], context: FunctionContext) -> object:
            with self.scene.calling(context), self._beside(self.replay):
                before = self.scene.troubles.total()
                answer = router.handle(event, context)
                self._check_answer(event["Records"], answer, context, troubled=self.scene.troubles.total() > before)
            return answer

        return function

    # What happens

    def step(self, random: Random) -> None:
        """Something happens to the table or the stream."""
        world, key = self.scene.world, random.choice(KEYS)
        mood = random.choice(self.setting.moods) if self.setting.moods and random.random() < 0.15 else PLAIN
        kind = random.choices(("stock", "scrap", "both", "lasts", "split", "roll", "hours"), (50, 12, 10, 6, 3, 4, 3))[
            0
        ]
        if kind == "stock":
            self.scene.stock(key, mood)
        elif kind == "scrap":
            self.scene.scrap(key)
        elif kind == "both":
            self.scene.both(random.sample(KEYS, 2), mood)
        elif kind == "lasts":
            self.scene.stock(key, mood, timedelta(seconds=random.choice((1, 3600))))
        elif kind == "hours":
            self.scene.clock.advance(timedelta(minutes=30))
            world.expire()
        else:
            (world.split if kind == "split" else world.roll)(random.choice(world.open_shards))

    def replay(self) -> None:
        """Somebody has what is parked dealt with again; it may go wrong as anything may."""
        scene = self.scene
        router, locks = self._deploy(self), StillLocks(scene.core)
        with suppress(CrashError, AircraftOpsDataError), scene.calling(), self._beside(self._invoked):
            self.replays.add(scene.call)
            Quarantine(scene.core, "stock").replay(router, locks)
        scene.clock.advance(5)

    def _invoked(self) -> None:
        if not Release.mended:
            self.step(self._random)
        self.mapping.step()

    @contextmanager
    def _beside(self, others: Callable[[], None]) -> Iterator[None]:
        """Others may go on between any two requests; nobody else beside these."""
        scene, before = self.scene, self.scene.meanwhile

        def meanwhile() -> None:
            scene.meanwhile = _nobody
            if scene.schedule.choose(2):
                others()
            scene.meanwhile = meanwhile

        scene.meanwhile = meanwhile if self.setting.races and not self._racing else _nobody
        self._racing, was = True, self._racing
        try:
            yield
        finally:
            scene.meanwhile, self._racing = before, was

    def play(self, seed: int, steps: int) -> Run:
        """A history at random; everything comes to an end, then all is mended and replayed. Raises AssertionError."""
        random = Random(seed)
        for _ in range(steps):
            self.step(random)
            for _ in range(random.randrange(3)):
                self.mapping.step()
            if self.setting.quarantined and self.setting.replays and random.random() < 0.1:
                self.replay()
        self.finish()
        return self

    def finish(self, most: int = 3000) -> None:
        """Let everything end, and check it; then mend and replay, and check it again."""
        self.mapping.run(most)
        self._check(self.stored())
        Release.mended = True
        if self.setting.quarantined:
            for _ in range(60):
                if not self.stored().open:
                    break
                self.replay()
                self.mapping.run(most)
            self._check(self.stored())
        assert not self.wrong, "; ".join({re.sub(r"[0-9]+", "", text): text for text in self.wrong}.values())

    def stored(self) -> Stored:
        """What the quarantine holds just now, by its items."""
        found, places = Stored(), dict[str, Key]()
        items = self.scene.engine.items(JOBS_TABLE)
        for item in items:
            if item["entity_type"]["S"] == "held_place":
                partition, _, sort = item["item"]["S"].partition(" / ")
                places[item["place"]["S"]] = partition, sort
                found.through[partition, sort] = int(item["through"]["S"] or 0)
                if int(item["count"]["N"]):
                    found.open.add((partition, sort))
        found.parked = {int(item["order"]["S"]) for item in items if item["entity_type"]["S"] == "parked_record"}
        return found

    # What must hold

    def _check_answer(self, records: Iterable[Raw], answer: Any, context: FunctionContext, *, troubled: bool) -> None:
        """It names exactly the lowest record that was not dealt with."""
        call, named = self.scene.call, [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        if len(named) > 1:
            self.wrong.append("more than one record is named")
        failed = {deed.sequence for deed in self.scene.deeds if deed.call == call and not deed.done}
        done, stored = self._done(), self.stored()
        for raw in records:
            sequence = sequence_of(raw)
            if str(sequence) in named:
                late = context.get_remaining_time_in_millis() <= MARGIN / timedelta(milliseconds=1)
                self.stops += late
                self.named[sequence] += not late
                fails = sequence in failed or is_poison(raw)
                if not fails and not late and not troubled and not self._waits_for_another():
                    self.wrong.append(f"{sequence} is named and has not failed")
                return
            if not self._dealt(raw, done, stored):
                self.wrong.append(f"{sequence} is not named and was not dealt with")
            self.checkpointed.setdefault(sequence, call)

    def _waits_for_another(self) -> bool:
        """Whether a function may count as run by another, who is gone."""
        return self.setting.once and self.crashes > 0

    @property
    def crashes(self) -> int:
        """How often something went wrong that leaves nothing of what was going on, or nobody who knows of it."""
        return sum(count for kind, count in self.scene.troubles.items() if kind not in ("hiccup", "away"))

    def _done(self) -> set[tuple[str, int]]:
        return {(deed.by, deed.sequence) for deed in self.scene.deeds if deed.done}

    def _dealt(self, raw: Raw, done: set[tuple[str, int]], stored: Stored) -> bool:
        sequence = sequence_of(raw)
        if sequence in stored.parked or sequence <= stored.through.get(key_in(raw), 0):
            return True
        return all((by, sequence) in done for by in wanting(raw))

    def _check(self, stored: Stored) -> None:
        discarded = {sequence_of(raw) for each in self.mapping.discarded for raw in each.records}
        records = {sequence_of(raw): raw for shard in self.scene.world.shards for raw in shard.records}
        self._check_nothing_lost(records, discarded, stored)
        self._check_order(records, discarded)
        self._check_state(stored, {key_in(records[sequence]) for sequence in discarded})
        self._check_repeats()
        raised = [each.answer for each in self.mapping.invocations if isinstance(each.answer, Exception)]
        self.wrong += [f"a call raised {error!r}" for error in raised]
        if not self.scene.storm.time and self.scene.troubles["timeout"]:
            self.wrong.append("a call that knew how long it takes had no time left")
        if self.setting.quarantined and not Release.mended:
            self._check_attempts()

    def _check_nothing_lost(self, records: Mapping[int, Raw], discarded: set[int], stored: Stored) -> None:
        done = self._done()
        for sequence, raw in records.items():
            if sequence not in discarded and not self._dealt(raw, done, stored):
                self.wrong.append(f"{sequence} is lost")
            elif (
                Release.mended and sequence not in discarded and not all((by, sequence) in done for by in wanting(raw))
            ):
                self.wrong.append(f"{sequence} was never handled")

    def _check_order(self, records: Mapping[int, Raw], discarded: set[int]) -> None:
        """Whoever wants records of an item has handled the first so many of them, one after the other."""
        first: dict[tuple[str, Key], list[int]] = {}
        for deed in self.scene.deeds:
            if deed.done and deed.sequence not in (known := first.setdefault((deed.by, deed.key), [])):
                known.append(deed.sequence)
        for (by, key), known in first.items():
            wanted = [each for each, raw in records.items() if key_in(raw) == key and by in wanting(raw)]
            expected = [each for each in sorted(wanted) if each in known or each not in discarded][: len(known)]
            if known != expected:
                self.wrong.append(f"{by} had those of {key} in another order: {known} is not {expected}")

    def _check_state(self, stored: Stored, spoilt: set[Key]) -> None:
        """The sink has what the table has."""
        codec, world = codec_of(Part.definition()), self.scene.world
        for key in set(world.history) - stored.open - spoilt:
            item, kept = world.items.get(key), self.scene.kept.get(key)
            expected = None if item is None else codec.entity(item).model_dump(mode="json")
            if kept is None or kept.part != expected:
                self.wrong.append(f"the sink has another {key} than the table")

    def _check_repeats(self) -> None:
        """What was dealt with, as an answer said, is not done again: not for those behind it, which failed."""
        repeated = self.mapping.repeated
        for deed in self.scene.deeds:
            settled = self.checkpointed.get(deed.sequence)
            again = settled is not None and deed.call > settled and deed.call not in self.replays
            if again and not repeated[str(deed.sequence)]:
                self.wrong.append(f"{deed.by} did {deed.sequence} again")

    def _check_attempts(self) -> None:
        """What keeps failing is named so often before it is parked, and no other record waits for longer."""
        if self._waits_for_another():
            return
        troubles = self.scene.troubles.total()
        for sequence, times in self.named.items():
            if times >= ATTEMPTS + troubles:
                self.wrong.append(f"{sequence} was named {times} times")
        failed = sum(each.failed is not None for each in self.mapping.invocations)
        if failed > len(self.named) * (ATTEMPTS - 1) + troubles + self.stops:
            self.wrong.append(f"{failed} calls failed for {len(self.named)} records")
