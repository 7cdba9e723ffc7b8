"""Reading one shard, driven by hand: where it begins, and what it makes of everything that may come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from aircraftops_data.errors import RequestRefusedError, StoreError, ThrottledError
from aircraftops_data.streams.polling.reading import Missing, Page, Reading

GET, RECORDS = "GetShardIterator", "GetRecords"
EXPIRED, TRIMMED = (
    StoreError("expired", code="ExpiredIteratorException"),
    StoreError("trimmed", code="TrimmedDataAccessException"),
)
NO_SHARD = StoreError("no shard", code="ResourceNotFoundException")


def raw(number: int) -> dict[str, Any]:
    return {"dynamodb": {"SequenceNumber": f"{number:021d}"}}


def page(*numbers: int, then: str | None = "next") -> dict[str, Any]:
    return {"Records": [raw(number) for number in numbers], **({} if then is None else {"NextShardIterator": then})}


def iterator(name: str = "there") -> dict[str, Any]:
    return {"ShardIterator": name}


class Driven:
    """A reading whose requests are answered one after the other."""

    def __init__(self, **given: Any) -> None:
        self.reading = Reading("arn", "s", **given)
        self.asked: list[tuple[Any, ...]] = []

    def page(self, *answers: Any) -> Page | Missing:
        """What it makes of these answers."""
        plan = self.reading.page()
        step, value = plan.send, None
        left = list(answers)
        while True:
            try:
                request: Any = step(value)  # type: ignore[arg-type]
            except StopIteration as ended:
                assert not left
                return ended.value  # type: ignore[no-any-return]
            said = request.parameters
            self.asked.append(
                (said["ShardIteratorType"], said.get("SequenceNumber"))
                if request.operation == GET
                else (said["ShardIterator"],)
            )
            answer = left.pop(0)
            step, value = (plan.throw, answer) if isinstance(answer, Exception) else (plan.send, answer)  # type: ignore[assignment]

    def numbers(self, *answers: Any) -> list[int]:
        """The records it makes of these answers."""
        found = self.page(*answers)
        assert isinstance(found, Page)
        return numbers_of(found.records)


def numbers_of(records: Iterable[Any]) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


def test_a_shard_is_read_from_its_beginning_and_on() -> None:
    driven = Driven()
    assert driven.numbers(iterator(), page(1, 2, then="b")) == [1, 2]
    assert driven.numbers(page(3)) == [3]
    assert driven.asked == [("TRIM_HORIZON", None), ("there",), ("b",)]


def test_behind_a_checkpoint_it_goes_on_after_that() -> None:
    driven = Driven(after=7)
    assert driven.numbers(iterator(), page(8)) == [8]
    assert driven.asked == [("AFTER_SEQUENCE_NUMBER", f"{7:021d}"), ("there",)]


def test_an_iterator_that_was_kept_is_used_first() -> None:
    driven = Driven(iterator="kept")
    assert driven.numbers(page(5)) == [5]
    assert driven.asked == [("kept",)]


def test_a_kept_iterator_that_expired_unused_gives_way_to_the_beginning() -> None:
    driven = Driven(iterator="kept")
    assert driven.numbers(EXPIRED, iterator(), page(5)) == [5]
    assert driven.asked == [("kept",), ("TRIM_HORIZON", None), ("there",)]


def test_an_expired_iterator_is_renewed_behind_the_last_record_read() -> None:
    driven = Driven()
    driven.page(iterator(), page(1, 2))
    assert driven.numbers(EXPIRED, iterator("new"), page(3)) == [3]
    assert driven.asked[-2:] == [("AFTER_SEQUENCE_NUMBER", f"{2:021d}"), ("new",)]


def test_iterators_that_expire_at_once_are_not_renewed_without_end() -> None:
    driven = Driven()
    with pytest.raises(StoreError) as caught:
        driven.page(*[iterator(), EXPIRED] * 3)
    assert caught.value.code == "ExpiredIteratorException"


def test_an_empty_page_is_no_end() -> None:
    driven = Driven()
    assert driven.page(iterator(), page()) == Page([], ended=False)
    assert driven.numbers(page(1)) == [1]


def test_a_page_without_a_next_iterator_is_the_end_whether_or_not_it_holds_records() -> None:
    assert Driven().page(iterator(), page(then=None)) == Page([], ended=True)
    found = Driven().page(iterator(), page(1, then=None))
    assert isinstance(found, Page)
    assert found.ended


def test_records_that_come_again_are_dropped() -> None:
    driven = Driven(after=2)
    assert driven.numbers(iterator(), page(1, 2, 3)) == [3]
    assert driven.numbers(page(2, 3)) == []
    assert driven.numbers(page(3, 4, 4)) == [4]


def test_sequence_numbers_are_compared_as_numbers_and_written_with_21_digits_at_least() -> None:
    driven = Driven(after=99)
    assert driven.numbers(iterator(), page(100)) == [100]
    driven = Driven(after=10**30)
    driven.page(iterator(), page())
    assert driven.asked[0] == ("AFTER_SEQUENCE_NUMBER", str(10**30))


def test_a_record_without_a_sequence_number_is_read_all_the_same() -> None:
    found = Driven(after=3).page(iterator(), {"Records": [{"eventName": "?"}], "NextShardIterator": "n"})
    assert isinstance(found, Page)
    assert len(found.records) == 1


@pytest.mark.parametrize("lost", [TRIMMED, NO_SHARD], ids=["trimmed", "no shard"])
def test_what_was_trimmed_is_missing_wherever_that_is_said(lost: StoreError) -> None:
    assert Driven(after=7).page(lost) == Missing()
    assert Driven(after=7).page(iterator(), lost) == Missing()
    driven = Driven()
    driven.page(iterator(), page(1))
    assert driven.page(lost) == Missing()


def test_a_shard_whose_beginning_must_be_there_is_missing_when_it_is_not() -> None:
    driven = Driven(first=5)
    assert driven.page(iterator(), TRIMMED) == Missing()
    assert driven.asked == [("TRIM_HORIZON", None), ("AT_SEQUENCE_NUMBER", f"{5:021d}")]


def test_a_shard_said_to_be_trimmed_whose_beginning_is_there_after_all_is_read_from_it() -> None:
    """DynamoDB Local says so of a shard that was empty when the iterator was made."""
    driven = Driven(first=5)
    driven.page(iterator(), iterator(), page())
    assert driven.numbers(TRIMMED, iterator("oldest"), iterator("first"), page(6)) == [6]
    driven = Driven(first=5, iterator="latest")
    assert driven.numbers(TRIMMED, iterator("oldest"), iterator("first"), page(6)) == [6]


def test_a_shard_said_to_be_trimmed_is_missing_where_its_beginning_is_gone_or_nobody_knows() -> None:
    driven = Driven(first=5)
    driven.page(iterator(), iterator(), page())
    assert driven.page(TRIMMED, iterator(), TRIMMED) == Missing()
    driven = Driven(first=5)
    driven.page(iterator(), RequestRefusedError("no", code="ValidationException"), page())
    assert driven.page(TRIMMED) == Missing()


def test_a_shard_whose_beginning_is_there_is_read_from_it() -> None:
    driven = Driven(first=5)
    assert driven.numbers(iterator("oldest"), iterator("first"), page(6)) == [6]
    assert driven.asked[-1] == ("oldest",)


def test_an_engine_that_takes_no_starting_number_is_read_from_its_oldest_record() -> None:
    refused = RequestRefusedError("no", code="ValidationException")
    assert Driven(first=5).numbers(iterator(), refused, page(6)) == [6]


def test_behind_a_gap_that_is_known_it_reads_whatever_is_left() -> None:
    driven = Driven(after=7, first=5, anew=True)
    assert driven.numbers(iterator(), page(20)) == [20]
    assert driven.asked == [("TRIM_HORIZON", None), ("there",)]
    assert Driven(after=7, anew=True).page(NO_SHARD) == Page((), ended=True)


def test_what_is_trimmed_while_a_known_gap_is_left_behind_belongs_to_it() -> None:
    driven = Driven(after=7, anew=True)
    assert driven.numbers(iterator(), TRIMMED, iterator("later"), page(30)) == [30]
    assert driven.page(TRIMMED) == Missing()


def test_other_failures_are_raised_and_the_page_may_be_asked_for_again() -> None:
    driven = Driven()
    driven.page(iterator(), page(1, then="b"))
    with pytest.raises(ThrottledError):
        driven.page(ThrottledError("slow", code="LimitExceededException", retryable=True))
    assert driven.numbers(page(2)) == [2]
    assert driven.asked[-1] == ("b",)


def test_pages_are_of_the_size_asked_for() -> None:
    plan = Reading("arn", "s", iterator="i", limit=7).page()
    assert next(plan).parameters == {"ShardIterator": "i", "Limit": 7}  # type: ignore[union-attr]
