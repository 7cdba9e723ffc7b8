"""Schedules: what happens where more than one thing may, and every schedule that strays little from the plain one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random


class Schedule:
    """Answers each question with 0, the plain answer, but where it strays: the place of a question to its answer."""

    def __init__(self, strays: Mapping[int, int] | None = None) -> None:
        self.strays = dict(strays or {})
        self.options: list[int] = []
        """How many answers each question had."""

    def choose(self, options: int) -> int:
        """One of so many answers."""
        place = len(self.options)
        self.options.append(options)
        return self._answer(place, options)

    def _answer(self, place: int, options: int) -> int:
        # A stray from another schedule may meet a question with fewer answers.
        return self.strays.get(place, 0) % options

    def followers(self) -> list[dict[int, int]]:
        """The strays of every schedule that strays once more, later than this one does."""
        begin = max(self.strays, default=-1) + 1
        places = range(begin, len(self.options))
        return [{**self.strays, place: answer} for place in places for answer in range(1, self.options[place])]


class Drawn(Schedule):
    """Strays at random, by a seed; `strays` is what it came to."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self._random = Random(seed)
        self._share = share

    def _answer(self, place: int, options: int) -> int:
        if options > 1 and self._random.random() < self._share:
            self.strays[place] = self._random.randrange(1, options)
        return self.strays.get(place, 0)


class ViolationError(AssertionError):
    """A property does not hold; the message says under which schedule, which is all it takes to see it again."""


def explore(play: Callable[[Schedule], object], strays: int, every: int = 1) -> int:
    """Play every schedule of up to so many strays; how many they are. Raises ViolationError for the first to fail.

    Of those that stray once more than another, to the full number, `every` so-manieth: with each another selection.
    """
    pending: list[dict[int, int]] = [{}]
    played = 0
    while pending:
        schedule = Schedule(pending.pop())
        under(schedule, play)
        played += 1
        if len(schedule.strays) < strays:
            step = every if len(schedule.strays) + 1 == strays else 1
            pending += schedule.followers()[played % step :: step]
    return played


def draw(play: Callable[[Schedule], object], seeds: Iterable[int], share: float) -> None:
    """Play schedules at random. Raises ViolationError for the first that fails, with no more strays than that takes."""
    for seed in seeds:
        schedule = Drawn(seed, share)
        try:
            under(schedule, play)
        except ViolationError:
            under(Schedule(_fewest(schedule.strays, play)), play)
            raise


def _fewest(strays: Mapping[int, int], play: Callable[[Schedule], object]) -> Mapping[int, int]:
    """As many of the strays left out as may be, so that it still fails."""
    for place in strays:
        fewer = {other: answer for other, answer in strays.items() if other != place}
        try:
            under(Schedule(fewer), play)
        except ViolationError:
            return _fewest(fewer, play)
    return strays


def under(schedule: Schedule, play: Callable[[Schedule], object]) -> None:
    """Play one schedule. Raises ViolationError, with what happened in its notes."""
    try:
        play(schedule)
    except Exception as error:
        violation = ViolationError(f"under Schedule({schedule.strays}): {error}")
        violation.__notes__ = getattr(error, "__notes__", [])
        raise violation from error
