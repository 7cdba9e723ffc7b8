"""Whoever dealt with a stream, judged by what the functions, the sink and the quarantine have in the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from aircraftops_data.errors import AircraftOpsDataError
from aircraftops_data.jobs import Jobs
from aircraftops_data.streams.quarantine import Quarantine
from aircraftops_data.streams.router import Router
from aircraftops_data.translation.codec import codec_of
from lambda_mapping import CrashError, MappingOptions
from stream_scenes import ALERT, CALM, CORRUPT, INDEX, KEYS, MOODS, PLAIN, SINK, Part, Release, Scene, StillLocks, Storm
from stream_world import Key, Raw, key_in, sequence_of

MARGIN = timedelta(seconds=5)
ATTEMPTS = 3
JOBS_TABLE = "JobsTable"
_STEPS = {"stock": 50, "scrap": 12, "both": 10, "lasts": 6, "split": 3, "roll": 4, "hours": 3}


@dataclass(frozen=True)
class Setting:
    """How a stream is dealt with."""

    storm: Storm = CALM
    options: MappingOptions = field(default_factory=MappingOptions)
    quarantined: bool = True
    once: bool = False
    attempts: int = ATTEMPTS
    moods: tuple[str, ...] = MOODS
    shards: int = 1
    replays: bool = True
    """Whether somebody replays the quarantine while the stream goes on."""
    races: bool = False
    """Whether others meet: one goes on between any two requests of another."""


Deploy = Callable[[Scene, Setting], Any]


def a_router(scene: Scene, setting: Setting) -> Router:
    """The one to be proved."""
    once = Jobs(scene.core).once if setting.once else None
    quarantine = Quarantine(scene.core, "stock", attempts=setting.attempts) if setting.quarantined else None
    router: Router = registered(
        scene, Router([Part], quarantine=quarantine, once=once, margin=MARGIN, clock=scene.clock)
    )
    return router


def registered(scene: Scene, router: Any) -> Any:
    """A router with everybody who wants changes of parts."""
    router.on(Part, name=INDEX)(scene.index)
    router.on(Part, "modify", "remove", name=ALERT)(scene.alert)
    router.into(scene, Part)
    return router


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


class Judged:
    """A scene, and what was found to be wrong in it. `deploy` makes the router of a new process."""

    def __init__(self, scene: Scene, setting: Setting, deploy: Deploy) -> None:
        self.scene = scene
        self.setting = setting
        self.deploy = deploy
        self.wrong: list[str] = []
        self.unwanted: set[int] = set()
        """Records nobody need be given, and whoever is may get in any order: they are from before the beginning."""

    # What happens

    def step(self, random: Random) -> None:
        """Something happens to the table or the stream."""
        scene, world, moods = self.scene, self.scene.world, self.setting.moods
        key, kind = random.choice(KEYS), random.choices([*_STEPS], [*_STEPS.values()])[0]
        mood = random.choice(moods) if moods and random.random() < 0.15 else PLAIN
        match kind:
            case "stock":
                scene.stock(key, mood)
            case "scrap":
                scene.scrap(key)
            case "both":
                scene.both(random.sample(KEYS, 2), mood)
            case "lasts":
                scene.stock(key, mood, timedelta(seconds=random.choice((1, 3600))))
            case "hours":
                scene.clock.advance(timedelta(minutes=30))
                world.expire()
            case "split":
                world.split(random.choice(world.open_shards))
            case _:
                world.roll(random.choice(world.open_shards))

    def replay(self) -> None:
        """Somebody has what is parked dealt with again; it may go wrong as anything may."""
        scene = self.scene
        router, locks = self.deploy(scene, self.setting), StillLocks(scene.core)
        with suppress(CrashError, AircraftOpsDataError), scene.calling():
            scene.replays.add(scene.call)
            Quarantine(scene.core, "stock").replay(router, locks)
        scene.clock.advance(5)

    # What is judged

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

    def judge(self, missing: Collection[int], stored: Stored) -> None:
        """Nothing is lost but what is missing, nothing overtakes, and the sink has what the table has."""
        self._judge_losses(missing, stored)
        self._judge_order(missing)
        self._judge_state(stored, {key_in(self.scene.world.records[sequence]) for sequence in missing})

    def verdict(self) -> None:
        """Raises AssertionError with one of each kind of what is wrong."""
        assert not self.wrong, "; ".join({re.sub(r"[0-9]+", "", text): text for text in self.wrong}.values())

    def done(self) -> set[tuple[str, int]]:
        """Who has dealt with which records."""
        return {(deed.by, deed.sequence) for deed in self.scene.deeds if deed.done}

    def dealt(self, raw: Raw, done: set[tuple[str, int]], stored: Stored) -> bool:
        """Whether everybody has dealt with a record, or it is parked."""
        sequence = sequence_of(raw)
        if sequence in stored.parked or sequence <= stored.through.get(key_in(raw), 0):
            return True
        return all((by, sequence) in done for by in wanting(raw))

    def _judge_losses(self, missing: Collection[int], stored: Stored) -> None:
        done = self.done()
        for sequence, raw in self.scene.world.records.items():
            if sequence in missing:
                continue
            if not self.dealt(raw, done, stored):
                self.wrong.append(f"{sequence} is lost")
            elif Release.mended and not all((by, sequence) in done for by in wanting(raw)):
                self.wrong.append(f"{sequence} was never handled")

    def _judge_order(self, missing: Collection[int]) -> None:
        """Whoever wants records of an item has handled the first so many of them, one after the other."""
        first: dict[tuple[str, Key], list[int]] = {}
        records = self.scene.world.records
        for deed in self.scene.deeds:
            if deed.sequence in self.unwanted:
                continue
            if deed.done and deed.sequence not in (known := first.setdefault((deed.by, deed.key), [])):
                known.append(deed.sequence)
        for (by, key), known in first.items():
            wanted = sorted(each for each, raw in records.items() if key_in(raw) == key and by in wanting(raw))
            expected = [each for each in wanted if each in known or each not in missing][: len(known)]
            if known != expected:
                self.wrong.append(f"{by} had those of {key} in another order: {known} is not {expected}")

    def _judge_state(self, stored: Stored, spoilt: set[Key]) -> None:
        """The sink has what the table has."""
        codec, world = codec_of(Part.definition()), self.scene.world
        for key in set(world.history) - stored.open - spoilt:
            item, kept = world.items.get(key), self.scene.kept.get(key)
            expected = None if item is None else codec.entity(item).model_dump(mode="json")
            if kept is None or kept.part != expected:
                self.wrong.append(f"the sink has another {key} than the table")
