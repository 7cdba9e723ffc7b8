"""Runs of pollers over a stream in memory, step by step: they crash anywhere, stand still, and lose their leases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from random import Random

from aircraftops_data.coordination import Locks
from aircraftops_data.errors import ConditionFailedError, LockLostError, NotFoundError, StoreError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request, Response
from aircraftops_data.streams.polling.gaps import acknowledge, gaps
from aircraftops_data.streams.polling.poller import Poller, PollerOptions
from aircraftops_data.streams.polling.state import Origin
from aircraftops_data.streams.polling.work import ShardWork, Step
from lambda_mapping import CrashError
from sim_schedule import Schedule
from stream_api import StreamsApi
from stream_judging import JOBS_TABLE, Deploy, Judged, Setting, a_router
from stream_scenes import CALM, STOCK, Release, Scene
from stream_world import RETENTION, sequence_of

NAME = "stock"
LEASE = timedelta(seconds=30)
_WAYS = ("crash before asking", "crash after asking")
_ROUNDS = 4000
# What happens while several stand still, one beside the other, would go on and on.
_MOST_RECORDS = 80


class _Line:
    """To the stream; a poller may crash before or after it asks."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._api = StreamsApi(scene.world, scene.schedule)
        self._calm = StreamsApi(scene.world)

    def send(self, request: Request) -> Response:
        """The response."""
        self._scene.meanwhile()
        befalls = self._scene.befalls(_WAYS, self._scene.storm.crashes)
        if befalls == _WAYS[0]:
            self._scene.crash()
        response = (self._api if self._scene.storm.engine else self._calm).send(request)
        if befalls == _WAYS[1]:
            self._scene.crash()
        return response


@dataclass
class Process:
    """Where a poller runs; one that crashed is started anew, and knows nothing of the shards it held."""

    poller: Poller
    busy: bool = False
    """It is in the midst of something, and may stand still there."""


class PollerRun(Judged):
    """Some pollers of one group, and what was found to be wrong."""

    def __init__(
        self,
        schedule: Schedule,
        setting: Setting,
        seed: int = 0,
        *,
        deploy: Deploy = a_router,
        pollers: int = 2,
        origin: Origin = Origin.TRIM_HORIZON,
    ) -> None:
        super().__init__(Scene(schedule, setting.storm, setting.shards, seed), setting, deploy)
        self._random = Random(seed)
        self._origin = origin
        self._races = setting.races
        self._numbers = 0
        self._seen = 0
        self.checkpoints: dict[str, int] = {}
        """The last of each shard."""
        self.missing: set[int] = set()
        """The records that are known to be gone unread."""
        self.processes = [Process(self.started()) for _ in range(pollers)]

    def started(self) -> Poller:
        """A poller in a process of its own."""
        self._numbers += 1
        scene, core = self.scene, self.scene.core
        return Poller(
            core,
            self.deploy(scene, self.setting),
            streams=_Line(scene),
            locks=Locks(core),
            name=NAME,
            table=STOCK,
            options=PollerOptions(origin=self._origin, lease=LEASE, limit=self._random.choice((2, 5, 1000))),
            worker_id=f"poller-{self._numbers}",
        )

    # What happens

    def poll(self) -> bool:
        """One of the pollers does something; whether that was anything."""
        free = [process for process in self.processes if not process.busy]
        process = self._random.choice(free)
        process.busy = True
        try:
            with self.scene.calling(), self._beside():
                return self._turn(process.poller)
        except CrashError:
            process.poller = self.started()
            return True
        finally:
            process.busy = False
            self._watch()

    def _turn(self, poller: Poller) -> bool:
        works = [*poller.works.values()]
        if not works or self._random.random() < 0.3:
            with suppress(StoreError):
                return bool(poller.look())
            return True
        if self._random.random() < 0.7:
            for work in works:
                work.beat()
        return self._stepped(poller, self._random.choice(works))

    def _stepped(self, poller: Poller, work: ShardWork) -> bool:
        """One step of a shard, as `Poller.run` makes it."""
        try:
            step = work.step()
        except StoreError:
            return True
        except (LockLostError, ConditionFailedError):
            poller._leave(work)  # pyright: ignore[reportPrivateUsage]
            return True
        if step is Step.OVER or work.leaving:
            poller._leave(work)  # pyright: ignore[reportPrivateUsage]
        return step is not Step.QUIET

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """While one poller is in the midst of something the others may go on, for longer than its lease."""
        scene, before = self.scene, self.scene.meanwhile

        def meanwhile() -> None:
            if scene.schedule.choose(2) and not all(process.busy for process in self.processes):
                for _ in range(12):
                    self.poll()
                    scene.clock.advance(LEASE / 4)
                    if self._random.random() < 0.3 and len(self.scene.world.records) < _MOST_RECORDS:
                        self.step(self._random)

        scene.meanwhile = meanwhile if self._races else before
        try:
            yield
        finally:
            scene.meanwhile = before

    def play(self, seed: int, steps: int, *, day: bool = False) -> PollerRun:
        """A history at random, a day of which may pass with nobody reading. Raises AssertionError."""
        random = Random(seed)
        for number in range(steps):
            self.step(random)
            for _ in range(random.randrange(6)):
                self.poll()
                self.scene.clock.advance(random.choice((1, 1, 12)))
            if self.setting.replays and random.random() < 0.1:
                self.replay()
            if day and number % 10 == 9:
                self._let_a_day_pass(random)
        self.finish()
        return self

    def _let_a_day_pass(self, random: Random) -> None:
        for _ in range(random.randrange(1, 4)):
            self.scene.clock.advance(random.choice((RETENTION / 2, RETENTION)))
            self.step(random)
        self.scene.world.trim()

    def finish(self) -> None:
        """Let everything be read while nothing goes wrong, and check it; then mend and replay, and check it again."""
        self._settle()
        self.judge(self.missing, self.stored())
        Release.mended = True
        for _ in range(60):
            if not self.stored().open:
                break
            self.replay()
            self._settle()
        self.judge(self.missing, self.stored())
        if self._origin is Origin.TRIM_HORIZON:
            self._judge_ends()
        self.verdict()

    def _settle(self) -> None:
        """Poll until there is nothing more to do for any of them, and acknowledge what is gone."""
        self.scene.storm = CALM
        self._races = False
        quiet = 0
        for number in range(_ROUNDS):
            quiet = 0 if self.poll() else quiet + 1
            self.scene.clock.advance(2)
            for gap in gaps(self.scene.core, NAME) if number % 20 == 0 else ():
                quiet = 0
                with suppress(NotFoundError):
                    acknowledge(self.scene.core, NAME, gap.shard, by="somebody")
            if quiet > 100:
                return
        self.wrong.append("the pollers come to no end")

    # What must hold

    def _watch(self) -> None:
        """Checkpoints never go back; what is gone is told, with the last record before it.

        A group that begins with the latest records wants none that were there by then.
        """
        history = self.scene.engine.history
        for change in history[self._seen :]:
            if change.of("stream_start") and self._origin is Origin.LATEST:
                self.unwanted |= set(self.scene.world.records)
                self.missing |= self.unwanted
            if change.of("stream_shard") and change.after is not None:
                self._watch_shard(change.after)
        self._seen = len(history)

    def _watch_shard(self, state: Item) -> None:
        shard = state["shard"]["S"]
        place = int(state.get("checkpoint", {"S": "0"})["S"])
        if place < self.checkpoints.get(shard, 0):
            self.wrong.append(f"the checkpoint of {shard} went back")
        self.checkpoints[shard] = place
        gap = state.get("gap", {}).get("M")
        if gap is not None:
            after = int(gap["after"].get("S", "0"))
            self.missing |= self._gone(shard, after, None if place == after else place)
            # A shard that went unread tells of its own parents, which nobody ever saw.
            parent = self.scene.world.parents[shard]
            while parent is not None and parent not in self.checkpoints:
                self.missing |= self._gone(parent, 0, None)
                parent = self.scene.world.parents[parent]

    def _gone(self, shard: str, after: int, until: int | None) -> set[int]:
        """The records of a shard behind a place that were trimmed before anybody dealt with them."""
        world, done, stored = self.scene.world, self.done(), self.stored()
        home = world.shard(shard)
        left = set[int]() if home is None else set(map(sequence_of, home.records[home.trimmed :]))
        behind = {each for each, its in world.homes.items() if its == shard and after < each < (until or inf)}
        return {each for each in behind - left if not self.dealt(world.records[each], done, stored)}

    def _judge_ends(self) -> None:
        """Every closed shard that is there was read to its end."""
        items = self.scene.engine.items(JOBS_TABLE)
        states = [item for item in items if item["entity_type"]["S"] == "stream_shard"]
        ended = {state["shard"]["S"] for state in states if state["ended"]["BOOL"]}
        unread = [shard.id for shard in self.scene.world.shards if shard.last is not None and shard.id not in ended]
        if unread:
            self.wrong.append(f"{unread[0]} was not read to its end")
