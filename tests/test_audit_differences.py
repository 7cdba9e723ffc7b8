"""What changed in an entity: each field that differs and no other, and nothing of what is private."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, NamedTuple, NewType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue, PlainSerializer, RootModel, Secret, SecretStr, field_serializer
from typing_extensions import TypeAliasType, TypedDict

from aircraftops_data import Aircraft, Entity, Owner, PrimaryKey, Registration, Table
from aircraftops_data.audit.details import details_of
from aircraftops_data.audit.differences import Difference, changes_between
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.privacy import PERSONAL, SECRET, PrivacyKind, privacy_of, private_parts
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.translation.values import decode_value

TABLE = Table("Differences", ttl_attribute="ttl")
PRIVATE = "nobody-may-read-this-51c9"

Named = Annotated[str, PERSONAL]
Pseudonym = NewType("Pseudonym", Named)  # type: ignore[valid-newtype]
Alias = TypeAliasType("Alias", Annotated[str, SECRET])


class Person(BaseModel):
    """A model with a private part."""

    name: Named = Field(alias="full_name")
    rank: int = 0
    left_out: Annotated[str, PERSONAL] = Field(default="", exclude=True)


class Team(BaseModel):
    """A model that holds such models."""

    lead: Person | None = None
    others: list[Person] = []


class Crew(Entity, table=TABLE, entity_type="crew"):
    """An entity with every way to hold something private."""

    id: str
    size: Decimal | None = None
    active: bool = True
    tags: set[str] = set()
    flown: dict[str, int] = {}
    contact: Named | None = None
    pins: list[Annotated[str, SECRET]] | None = None
    both: Annotated[str, PERSONAL, SECRET] | None = None
    team: Team | None = None
    by_base: dict[str, Person] = {}
    anything: Any = None
    notes: JsonValue = None

    primary = PrimaryKey("CREW#{id}", "CREW")


class Contact(TypedDict):
    """What is stored as a map, and read as one; it may hold others."""

    town: str
    name: Annotated[str, PERSONAL]
    others: list[Contact]


class Door(NamedTuple):
    """What is stored as a list, and told as one."""

    number: int
    code: Annotated[str, SECRET]


class Nickname(RootModel[Annotated[str, PERSONAL]]):
    """What is stored as its one value."""


class Marked(BaseModel):
    """Every place a mark, or a secret type, can stand in."""

    plain: str
    outside: Annotated[str | None, PERSONAL]
    inside: Annotated[str, PERSONAL] | None
    in_list: list[dict[str, Annotated[str, SECRET]]]
    new_type: Pseudonym
    alias: Alias
    secret_text: SecretStr | None
    secret_number: Secret[int]
    typed_dict: list[Contact]
    named_tuple: Door | None
    root_model: list[Nickname]
    person: Person
    other_metadata: Annotated[str, Field(max_length=3), "PERSONAL"]
    free: JsonValue


def test_marks_are_found_wherever_in_a_type_they_stand() -> None:
    personal, secret = PrivacyKind.PERSONAL, PrivacyKind.SECRET
    assert privacy_of(Marked) == {
        "outside": personal,
        "inside": personal,
        "in_list": secret,
        "new_type": personal,
        "alias": secret,
        "secret_text": secret,
        "secret_number": secret,
        "typed_dict": personal,
        "named_tuple": secret,
        "root_model": personal,
    }


def test_of_two_marks_the_secret_counts_and_what_names_an_owner_is_marked() -> None:
    assert privacy_of(Crew) == {"contact": "personal", "pins": "secret", "both": "secret"}
    assert privacy_of(Owner) == {"name": "personal", "state": "personal"}
    assert privacy_of(Aircraft) == privacy_of(Registration) == {}


def test_a_mark_changes_nothing_of_how_a_field_is_stored_or_added_to() -> None:
    class Plain(Entity, table=Table("Plain"), entity_type="crew"):
        id: str
        contact: str | None = None
        points: int = 0
        primary = PrimaryKey("CREW#{id}", "CREW")

    class Private(Entity, table=Table("Private"), entity_type="crew"):
        id: Annotated[str, PERSONAL]
        contact: Annotated[str, PERSONAL] | None = None
        points: Annotated[int, PERSONAL] = 0
        primary = PrimaryKey("CREW#{id}", "CREW")

    plain, private = Plain(id="a", contact="b"), Private(id="a", contact="b")
    assert codec_of(Plain.definition()).item(plain) == codec_of(Private.definition()).item(private)
    assert Private.definition().validators.free("points")


# Differences


def crews() -> st.SearchStrategy[Crew]:
    """Crews that often share values."""
    people = st.builds(lambda rank: Person(full_name=PRIVATE, rank=rank), st.integers(0, 1))
    return st.builds(
        Crew,
        id=st.just("1"),
        size=st.none() | st.sampled_from([Decimal(1), Decimal("1.0"), Decimal(2)]),
        active=st.booleans(),
        tags=st.sets(st.sampled_from("ab")),
        flown=st.dictionaries(st.sampled_from("ab"), st.integers(0, 1)),
        contact=st.none() | st.sampled_from([PRIVATE, PRIVATE + "2"]),
        pins=st.none() | st.just([PRIVATE]),
        team=st.none() | st.builds(Team, lead=st.none() | people, others=st.lists(people, max_size=2)),
        by_base=st.dictionaries(st.sampled_from("ab"), people, max_size=2),
        anything=st.none() | st.booleans() | st.integers(0, 1) | people,
        notes=st.none() | st.just({"a": [1]}),
        expires_at=st.none() | st.just(datetime(2026, 11, 21, tzinfo=UTC)),
    )


def stored(crew: Crew) -> dict[str, Any]:
    """What is stored of a crew by field, but for how the expiry is written."""
    codec = codec_of(Crew.definition())
    found = {name: codec.field(name, value) for name, value in crew.content().items()}
    return {name: None if value is None else decode_value(value) for name, value in found.items()}


@given(crews(), crews())
def test_exactly_the_fields_that_are_stored_differently_differ(before: Crew, after: Crew) -> None:
    found = changes_between(before, after)
    names = [each.field for each in found]
    assert names == sorted(names)
    old, new = stored(before), stored(after)
    typed = {name for name in old if type(old[name]) is not type(new[name])}
    assert set(names) == {name for name in old if old[name] != new[name]} | typed
    for each in found:
        if each.redacted is None and each.field != "expires_at":
            assert (each.before, each.after) == (old[each.field], new[each.field])


@given(st.none() | crews(), st.none() | crews())
def test_nothing_private_is_told_and_all_of_it_can_be_stored(before: Crew | None, after: Crew | None) -> None:
    found = changes_between(before, after)
    assert PRIVATE not in repr(found)
    told = {each.field: asdict(each) for each in found}
    assert details_of(told, depth=12, most_bytes=400_000) == told


@given(crews())
def test_nothing_differs_from_itself_and_a_creation_is_a_deletion_backwards(crew: Crew) -> None:
    assert changes_between(crew, crew.model_copy(deep=True)) == []
    created, deleted = changes_between(None, crew), changes_between(crew, None)
    assert [(each.field, each.after, each.redacted) for each in created] == [
        (each.field, each.before, each.redacted) for each in deleted
    ]
    assert all(each.before is None for each in created)
    defaults = Crew(id="").content()
    assert {each.field for each in created} == {n for n, v in crew.content().items() if v != defaults[n]}


def test_a_creation_tells_what_is_not_the_default() -> None:
    assert changes_between(None, Crew(id="1", active=False)) == [
        Difference("active", None, False),
        Difference("id", None, "1"),
    ]
    assert changes_between(None, None) == []


def test_a_marked_field_tells_only_that_it_changed() -> None:
    before, after = Crew(id="1", contact=PRIVATE), Crew(id="1", contact="other", pins=["1"], both="x")
    assert changes_between(before, after) == [
        Difference("both", None, None, PrivacyKind.SECRET),
        Difference("contact", None, None, PrivacyKind.PERSONAL),
        Difference("pins", None, None, PrivacyKind.SECRET),
    ]


def test_a_private_part_of_a_model_is_left_out_and_the_rest_is_told() -> None:
    lead, other = Person(full_name=PRIVATE), Person(full_name=PRIVATE, rank=2)
    before = Crew(id="1", team=Team(lead=lead), by_base={"JFK": lead})
    after = Crew(id="1", team=Team(lead=lead, others=[other]), by_base={"JFK": other})
    hidden = {"full_name": None, "rank": 0}
    assert changes_between(before, after) == [
        Difference("by_base", {"JFK": hidden}, {"JFK": {"full_name": None, "rank": 2}}, PrivacyKind.PERSONAL),
        Difference(
            "team",
            {"lead": hidden, "others": []},
            {"lead": hidden, "others": [{"full_name": None, "rank": 2}]},
            PrivacyKind.PERSONAL,
        ),
    ]


def test_a_change_of_a_private_part_alone_is_told_without_it() -> None:
    before, after = (Crew(id="1", team=Team(lead=Person(full_name=name))) for name in (PRIVATE, "other"))
    (found,) = changes_between(before, after)
    assert found.before == found.after == {"lead": {"full_name": None, "rank": 0}, "others": []}
    assert found.redacted is PrivacyKind.PERSONAL


class Odd(Entity, table=TABLE, entity_type="odd"):
    """Models with private parts that are stored in another shape than their own."""

    id: str
    as_text: Annotated[Person, PlainSerializer(lambda person: person.name)] | None = None
    as_map: Person | None = None
    hashed: Annotated[SecretStr, PlainSerializer(lambda secret: secret.get_secret_value())] | None = None

    primary = PrimaryKey("ODD#{id}", "ODD")

    @field_serializer("as_map")
    def _other_map(self, person: Person | None) -> Any:
        return None if person is None else {"called": person.name}


def test_of_a_model_stored_in_another_shape_nothing_is_told() -> None:
    person = Person(full_name=PRIVATE)
    odd = Odd(id="1", as_text=person, as_map=person, hashed=SecretStr(PRIVATE))
    assert changes_between(Odd(id="1"), odd) == [
        Difference("as_map", None, None, PrivacyKind.PERSONAL),
        Difference("as_text", None, None, PrivacyKind.PERSONAL),
        Difference("hashed", None, None, PrivacyKind.SECRET),
    ]


def test_what_the_library_keeps_is_no_change_but_the_expiry_is_and_reads_as_an_instant() -> None:
    at = datetime(2026, 11, 21, 7, tzinfo=UTC)
    before = Crew(id="1", version=1, created_at=at, updated_at=at)
    after = before.model_copy(update={"version": 2, "updated_at": at + timedelta(days=1), "expires_at": at})
    assert changes_between(before, after) == [Difference("expires_at", None, "2026-11-21T07:00:00.000000Z")]


def test_values_are_told_as_they_are_stored() -> None:
    before = Registration(mark="N1", icao24="a00001", held_from=date(2020, 1, 1))
    after = before.model_copy(update={"held_until": date(2021, 1, 1), "serial_number": "7"})
    assert changes_between(before, after) == [
        Difference("held_until", None, "2021-01-01"),
        Difference("serial_number", None, "7"),
    ]


def test_two_kinds_of_entity_are_no_change() -> None:
    with pytest.raises(InvalidInputError):
        changes_between(Crew(id="1"), Odd(id="1"))


def test_private_parts_are_told_by_where_they_are_stored() -> None:
    team = Team(lead=Person(full_name="a"), others=[Person(full_name="b")])
    assert dict(private_parts({"x": (team,)})) == {
        ("x", 0, "lead", "full_name"): "personal",
        ("x", 0, "others", 0, "full_name"): "personal",
    }
