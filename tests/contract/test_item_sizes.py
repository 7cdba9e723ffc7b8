"""How large an item may be, counted as the engine counts, and odd values stored without loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from entities import FLEET, SHELF, Hull, Parcel, Plane, plane, stored
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import CoreTable
from aircraftops_data.errors import InvalidInputError, InvalidKeyError, InvalidValueError, ItemTooLargeError
from aircraftops_data.model.schema import ITEM_LIMIT_BYTES
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.values import encode_value, item_size
from faults import faulty

Connect = Callable[..., CoreTable]
# moto counts sizes in a way of its own, and does not count nesting.
LOCAL_ONLY = pytest.mark.parametrize("engine", [pytest.param("local", marks=pytest.mark.slow)], indirect=True)


@pytest.fixture
def core(connect: Connect, clock: ManualClock) -> CoreTable:
    """The shelf, with a clock that stands still."""
    return connect(SHELF, clock=clock)


def nested(depth: int) -> object:
    """Text inside so many lists."""
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


NUMBERS = [
    *("0", "1", "12", "123", "-1", "-12", "-123", "10", "100", "110", "1050", "1E+10", "1.2E+11", "12E-7", "1E-130"),
    *("0.1", "0.12", "0.123", "1.5", "12.5", "123.4", "-123.456", "100.001", "0.050", "9" * 38, f"{'9' * 38}E+87"),
]
VALUES: dict[str, Any] = {
    "text": "x" * 1000,
    "text beyond the BMP": "🛩️" * 500,
    "empty text": [""] * 100,
    "binary": bytes(range(256)) * 4,
    "whole numbers": list(range(3000)),
    **{f"number {text}": [Decimal(text)] * 500 for text in NUMBERS},
    "number set": set(range(500)),
    "text set": {f"s{number}" for number in range(100)},
    "binary set": {bytes([number]) for number in range(200)},
    "bools and nulls": [True, None, False] * 100,
    "empty lists and maps": [[], {}] * 100,
    "maps": [{"größe": "x", "b": 12}] * 100,
    "deep": [nested(25)] * 20,
}


class TestLimit:
    @LOCAL_ONLY
    @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
    def test_the_engine_counts_every_type_as_we_do_to_the_byte(self, core: CoreTable, value: Any) -> None:
        item = {"PK": {"S": "a"}, "SK": {"S": "b"}, "value": encode_value(value), "padding": {"S": ""}}
        room = ITEM_LIMIT_BYTES - item_size(item)
        assert self._fits(core, {**item, "padding": {"S": "x" * room}})
        assert not self._fits(core, {**item, "padding": {"S": "x" * (room + 1)}})

    @LOCAL_ONLY
    def test_the_engine_counts_any_number_as_we_do(self, core: CoreTable) -> None:
        digits = st.integers(0, 10**12) | st.integers(10**36, 10**38 - 1)

        @given(st.lists(st.tuples(digits, st.integers(-20, 20), st.booleans()), min_size=1, max_size=20))
        def check(numbers: list[tuple[int, int, bool]]) -> None:
            values = [Decimal(number).scaleb(power) * (-1 if negative else 1) for number, power, negative in numbers]
            self.test_the_engine_counts_every_type_as_we_do_to_the_byte(core, values)

        check()

    @staticmethod
    def _fits(core: CoreTable, item: Any) -> bool:
        try:
            core.runner.transport.send(Request("PutItem", {"TableName": core.context.names[SHELF], "Item": item}))
        except InvalidInputError as error:
            assert "size has exceeded" in str(error.__cause__)
            return False
        return True

    @LOCAL_ONLY
    @pytest.mark.parametrize("write", ["create", "put", "replace", "put_many", "transaction", "update instance"])
    def test_an_item_is_stored_or_refused_before_it_is_sent_and_never_refused_by_the_engine(
        self, core: CoreTable, write: str
    ) -> None:
        created = core.create(Parcel(number="1", load=""))
        core.update(created, set={"load": ""})
        # Room for what the library adds of its own, which is well under 100 bytes.
        room = ITEM_LIMIT_BYTES - item_size(stored(core, Parcel, number="1") or {})
        assert self._written(core, write, room - 100)
        outcomes = [self._written(core, write, size) for size in range(room - 70, room + 80, 5)]
        assert outcomes == sorted(outcomes, reverse=True)
        assert not outcomes[-1]

    def _written(self, core: CoreTable, write: str, size: int) -> bool:
        """Whether a parcel of this size was stored; ItemTooLargeError is the only other way out."""
        core.put(Parcel(number="1"))
        known = core.get(Parcel, number="1").model_copy(update={"load": "x" * size})
        if write == "create":
            core.delete(Parcel, number="1")
        try:
            self._write(core, write, known)
        except ItemTooLargeError as error:
            assert error.size_bytes > error.limit_bytes == ITEM_LIMIT_BYTES
            return False
        return len((stored(core, Parcel, number="1") or {})["load"]["S"]) == size

    @staticmethod
    def _write(core: CoreTable, write: str, entity: Parcel) -> None:
        if write == "put_many":
            core.put_many([entity]).raise_if_failed()
        elif write == "transaction":
            with core.transaction() as tx:
                tx.put(entity)
        elif write == "update instance":
            core.update(core.get(Parcel, number="1"), set={"load": entity.load})
        else:
            getattr(core, write)(entity)

    @pytest.mark.parametrize("write", ["create", "put", "replace"])
    def test_too_large_an_item_is_not_sent(self, core: CoreTable, write: str) -> None:
        watched, transport = faulty(core)
        with pytest.raises(ItemTooLargeError) as caught:
            getattr(watched, write)(Parcel(number="1", load="x" * ITEM_LIMIT_BYTES))
        assert (transport.sent, caught.value.limit_bytes) == ([], ITEM_LIMIT_BYTES)
        assert ITEM_LIMIT_BYTES < caught.value.size_bytes < ITEM_LIMIT_BYTES + 1000

    @LOCAL_ONLY
    def test_an_update_cannot_grow_an_item_over_the_limit(self, core: CoreTable) -> None:
        created = core.create(plane(note="x" * 200_000))
        with pytest.raises(InvalidInputError):
            core.update(Plane, tail="N628TS", set={"operator": "y" * 1000, "marks": {"z" * 300_000}})
        assert core.get(Plane, tail="N628TS") == created


class TestKeys:
    def test_keys_may_be_as_long_as_the_engine_allows_and_no_longer(self, core: CoreTable) -> None:
        longest = "🛩" * ((2048 - len("PLANE#")) // 4) + "xx"
        assert len(f"PLANE#{longest}".encode()) == 2048
        with pytest.raises(InvalidKeyError, match="GSI2SK"):
            core.create(plane(longest))
        core.create(Parcel(number="y" * (2048 - len("PARCEL#"))))
        with pytest.raises(InvalidKeyError, match="PK would take 2049"):
            core.create(Parcel(number="y" * (2049 - len("PARCEL#"))))
        core.create(plane("N1", typecode="t" * (1024 - len("TYPE##1999-05-04"))))
        with pytest.raises(InvalidKeyError, match="GSI1SK would take 1025"):
            core.create(plane("N2", typecode="t" * (1025 - len("TYPE##1999-05-04"))))

    def test_an_empty_key_is_refused_before_it_is_sent(self, connect: Connect) -> None:
        watched, transport = faulty(connect(FLEET))
        with pytest.raises(InvalidKeyError):
            watched.create(Hull(hull=""))
        with pytest.raises(InvalidKeyError):
            watched.create(Hull(hull="1", owner="", year=1))
        assert transport.sent == []


def round_trips() -> Iterator[Any]:
    """Values that come back as they went."""
    yield from ("", "\x00", "🛩️𝛑é", "e\u0301", " ", "null", 0, -1, 10**37, Decimal("0.1"), Decimal("-1E-130"))
    yield from (
        Decimal("1234567890.1234567890123456789012345678"),
        Decimal("9.9999999999999999999999999999999999999E+125"),
    )
    yield from (b"", b"\x00\xff" * 100, True, False, None, [], {}, [None], {" ": 1, "a.b": {"#": []}, "größe": [""]})
    yield from ({1, 2, Decimal("2.5")}, {"a", ""}, {b"x"}, [[[{"deep": [1, "x", None]}]]], nested(31))


class TestValues:
    @pytest.mark.parametrize("value", list(round_trips()), ids=lambda value: type(value).__name__)
    def test_it_comes_back_as_it_went_by_create_update_and_put(self, core: CoreTable, value: Any) -> None:
        assert core.create(Parcel(number="1", load=value)).load == value
        assert core.get(Parcel, number="1").load == value
        core.put(Parcel(number="2", load=value))
        assert core.update(Parcel, number="2", set={"load": value}).load == value
        with core.transaction() as tx:
            tx.put(Parcel(number="3", load=value))
        core.put_many([Parcel(number="4", load=value)])
        assert [core.get(Parcel, number=number).load for number in "234"] == [value] * 3

    @pytest.mark.parametrize(
        "value",
        [
            (date(2020, 2, 29), "2020-02-29"),
            (time(12, 30), "12:30:00"),
            (datetime(2020, 2, 29, 1, tzinfo=UTC), "2020-02-29T01:00:00.000000Z"),
            (timedelta(hours=1), "PT1H"),
            (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_the_engine_has_no_type_for_is_text(self, core: CoreTable, value: tuple[Any, str]) -> None:
        core.create(Parcel(number="1", load=value[0]))
        assert core.get(Parcel, number="1").load == value[1]

    @pytest.mark.parametrize(
        "value",
        [
            *(float("nan"), float("inf"), Decimal("sNaN"), 10**38 + 1, Decimal("1E-131"), Decimal("1E+126"), 1e126),
            *({1: 2}, {"x", 1}, {True}, "\ud800", {"\ud800": 1}, ["x", "\udfff"], {"": 1}, nested(32)),
            datetime(2020, 1, 1),  # noqa: DTZ001
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_cannot_be_stored_is_refused_before_it_is_sent(self, core: CoreTable, value: Any) -> None:
        core.create(Parcel(number="1"))
        watched, transport = faulty(core)
        with pytest.raises(InvalidValueError):
            watched.create(Parcel(number="2", load=value))
        with pytest.raises(InvalidValueError):
            watched.put(Parcel(number="1", load=value))
        with pytest.raises(InvalidValueError):
            watched.update(Parcel, number="1", set={"load": value})
        assert transport.writes == []

    @LOCAL_ONLY
    def test_nesting_goes_as_deep_as_the_engine_takes_and_no_deeper(self, core: CoreTable) -> None:
        deepest = max(depth for depth in range(28, 36) if self._taken(core, depth))
        core.create(Parcel(number="1", load=nested(deepest)))
        with pytest.raises(InvalidValueError):
            core.create(Parcel(number="2", load=nested(deepest + 1)))

    @staticmethod
    def _taken(core: CoreTable, depth: int) -> bool:
        item = {"PK": {"S": "a"}, "SK": {"S": "b"}, "load": encode_plainly(nested(depth))}
        try:
            core.runner.transport.send(Request("PutItem", {"TableName": core.context.names[SHELF], "Item": item}))
        except InvalidInputError:
            return False
        return True


def encode_plainly(value: Any) -> dict[str, Any]:
    """Lists and text as attribute values, without the library."""
    return {"S": value} if isinstance(value, str) else {"L": [encode_plainly(inner) for inner in value]}
