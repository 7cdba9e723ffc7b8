"""Runs of a router over a stream under Lambda's mapping, and what must hold of them beside the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from lambda_mapping import Function, FunctionContext, LambdaMapping
from sim_schedule import Schedule
from stream_judging import MARGIN, Deploy, Judged, Setting, Stored, a_router, is_poison
from stream_scenes import Release, Scene
from stream_world import Raw, sequence_of


def nobody() -> None:
    """Nobody does anything beside."""


class Run(Judged):
    """A scene, the mapping, and what was found to be wrong."""

    def __init__(self, schedule: Schedule, setting: Setting, deploy: Deploy = a_router, seed: int = 0) -> None:
        super().__init__(Scene(schedule, setting.storm, setting.shards, seed), setting, deploy)
        self.checkpointed: dict[int, int] = {}
        """The call that each record was dealt with in, as its answer says."""
        self.named: Counter[int] = Counter()
        """How often a record was named as failed, with time left to deal with it."""
        self.stops = 0
        """How often there was no time left."""
        self._random = Random(seed)
        self._racing = False
        self.mapping = LambdaMapping(self.scene.world, self._function, setting.options, schedule)

    def _function(self) -> Function:
        router = self.deploy(self.scene, self.setting)

        def function(event: dict[str, Any], context: FunctionContext) -> object:
            with self.scene.calling(context), self._beside(self.replay):
                before = self.scene.troubles.total()
                answer = router.handle(event, context)
                self._check_answer(event["Records"], answer, context, troubled=self.scene.troubles.total() > before)
            return answer

        return function

    # What happens

    def replay(self) -> None:
        """Somebody has what is parked dealt with again, while the stream goes on."""
        with self._beside(self._invoked):
            super().replay()

    def _invoked(self) -> None:
        if not Release.mended:
            self.step(self._random)
        self.mapping.step()

    @contextmanager
    def _beside(self, others: Callable[[], None]) -> Iterator[None]:
        """Others may go on between any two requests; nobody else beside these."""
        scene, before = self.scene, self.scene.meanwhile

        def meanwhile() -> None:
            scene.meanwhile = nobody
            if scene.schedule.choose(2):
                others()
            scene.meanwhile = meanwhile

        scene.meanwhile = meanwhile if self.setting.races and not self._racing else nobody
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
        self.verdict()

    # What must hold

    def _check_answer(self, records: Iterable[Raw], answer: Any, context: FunctionContext, *, troubled: bool) -> None:
        """It names exactly the lowest record that was not dealt with."""
        call, named = self.scene.call, [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        if len(named) > 1:
            self.wrong.append("more than one record is named")
        failed = {deed.sequence for deed in self.scene.deeds if deed.call == call and not deed.done}
        done, stored = self.done(), self.stored()
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
            if not self.dealt(raw, done, stored):
                self.wrong.append(f"{sequence} is not named and was not dealt with")
            self.checkpointed.setdefault(sequence, call)

    def _waits_for_another(self) -> bool:
        """Whether a function may count as run by another, who is gone."""
        return self.setting.once and self.crashes > 0

    @property
    def crashes(self) -> int:
        """How often something went wrong that leaves nothing of what was going on, or nobody who knows of it."""
        return sum(count for kind, count in self.scene.troubles.items() if kind not in ("hiccup", "away"))

    def _check(self, stored: Stored) -> None:
        self.judge({sequence_of(raw) for each in self.mapping.discarded for raw in each.records}, stored)
        self._check_repeats()
        raised = [each.answer for each in self.mapping.invocations if isinstance(each.answer, Exception)]
        self.wrong += [f"a call raised {error!r}" for error in raised]
        if not self.scene.storm.time and self.scene.troubles["timeout"]:
            self.wrong.append("a call that knew how long it takes had no time left")
        if self.setting.quarantined and not Release.mended:
            self._check_attempts()

    def _check_repeats(self) -> None:
        """What was dealt with, as an answer said, is not done again: not for those behind it, which failed."""
        repeated = self.mapping.repeated
        for deed in self.scene.deeds:
            settled = self.checkpointed.get(deed.sequence)
            again = settled is not None and deed.call > settled and deed.call not in self.scene.replays
            if again and not repeated[str(deed.sequence)]:
                self.wrong.append(f"{deed.by} did {deed.sequence} again")

    def _check_attempts(self) -> None:
        """What keeps failing is named so often before it is parked, and no other record waits for longer."""
        if self._waits_for_another():
            return
        troubles = self.scene.troubles.total()
        for sequence, times in self.named.items():
            if times >= self.setting.attempts + troubles:
                self.wrong.append(f"{sequence} was named {times} times")
        failed = sum(each.failed is not None for each in self.mapping.invocations)
        if failed > len(self.named) * (self.setting.attempts - 1) + troubles + self.stops:
            self.wrong.append(f"{failed} calls failed for {len(self.named)} records")
