"""Both search indexes do the same: the one in SQLite, and OpenSearch itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from aircraftops_data.clock import Chance
from aircraftops_data.entities.aircraft import Aircraft
from aircraftops_data.entities.operators import Operator
from aircraftops_data.errors import DefinitionError, InvalidInputError
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import PERSONAL, SECRET
from aircraftops_data.model.schema import Table
from aircraftops_data.streams.change import Change
from aircraftops_data.streams.sinks.fulltext import FullTextIndex
from aircraftops_data.streams.sinks.opensearch import OpenSearchIndex
from streaming import change, fresh_address, history, stored

Index = FullTextIndex | OpenSearchIndex
FIELDS: Any = {Aircraft: ["registration", "typecode", "operator", "model", "year_built"], Operator: ["name", "country"]}

SHIP = Aircraft(icao24="a835af", registration="N628TS", typecode="GLF6", operator="UAL", model="Gulfstream G650ER")


class Contact(BaseModel):
    """Has private fields of its own."""

    town: str
    phone: Annotated[str, PERSONAL]
    key: Annotated[str, SECRET] = "hunter2"


class Keeper(Entity, table=Table("Keepers"), entity_type="search_keeper"):
    """Who keeps an aircraft, with what nobody should find."""

    keeper_id: str
    town: str | None = None
    name: Annotated[str | None, PERSONAL] = None
    password: Annotated[str | None, SECRET] = None
    contacts: dict[str, list[Contact]] | None = None

    primary = PrimaryKey("KEEPER#{keeper_id}", "KEEPER")


class Badge(Entity, table=Table("Badges"), entity_type="search_badge"):
    """Has a key that is private."""

    token: Annotated[str, SECRET]
    email: Annotated[str, PERSONAL]
    town: str | None = None

    primary = PrimaryKey("BADGE#{token}", "BADGE")


class Visitor(Entity, table=Table("Visitors"), entity_type="search_visitor"):
    """Has a key that names a person."""

    email: Annotated[str, PERSONAL]
    town: str | None = None

    primary = PrimaryKey("VISITOR#{email}", "VISITOR")


class Guest(Entity, table=Table("Guests"), entity_type="search_visitor"):
    """Has the type of another in another table."""

    guest_id: str

    primary = PrimaryKey("GUEST#{guest_id}", "GUEST")


@pytest.fixture(params=[pytest.param("embedded"), pytest.param("opensearch", marks=pytest.mark.slow)])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Index]]:
    """Makes an index of its own: `make(fields=...)`."""
    if request.param == "embedded":
        yield lambda **options: FullTextIndex(**{"fields": FIELDS, **options})
        return
    url = request.getfixturevalue("opensearch_endpoint")

    def made(**options: Any) -> OpenSearchIndex:
        index = OpenSearchIndex(url, f"t{Chance().identifier()}", **{"fields": FIELDS, "refresh": True, **options})
        index.create_index(settings={"number_of_shards": 1, "number_of_replicas": 0})
        return index

    yield made


@pytest.fixture
def index(make: Callable[..., Index]) -> Index:
    """An empty index."""
    return make()


def ship(**values: Any) -> Aircraft:
    return Aircraft(**{"icao24": fresh_address(), **values})


def put(*entities: Entity) -> list[Change[Any]]:
    return [change(None, stored(entity)) for entity in entities]


def found(index: Index, text: str, **asked: Any) -> list[Any]:
    return [next(iter(hit.identity.values())) for hit in index.search(text, **asked)]


class TestWhatIsFound:
    def test_an_entity_is_found_by_the_beginnings_of_its_words(self, index: Index) -> None:
        assert index.write(put(SHIP, ship(registration="N12345"))) == []
        for text in ("N628TS", "n628", "gulf", "G650", "glf6 ual", "ual n628ts gulfstream"):
            assert found(index, text) == ["a835af"], text
        for text in ("628TS", "gulf n12345", "nothing", ""):
            assert found(index, text) == [], text

    def test_a_hit_says_what_it_is_and_what_is_indexed_of_it(self, index: Index) -> None:
        index.write(put(SHIP))
        (hit,) = index.search("N628TS")
        assert (hit.entity, hit.identity) == (Aircraft, {"icao24": "a835af"})
        assert hit.fields == {
            "registration": "N628TS",
            "typecode": "GLF6",
            "operator": "UAL",
            "model": "Gulfstream G650ER",
        }
        assert hit.score > 0
        assert index.get(Aircraft, icao24="A835AF") == hit.fields

    def test_numbers_are_found_too(self, index: Index) -> None:
        index.write(put(ship(icao24="abcdef", year_built=1998)))
        assert found(index, "1998") == ["abcdef"]

    def test_only_those_of_one_entity_are_found_when_asked_for(self, index: Index) -> None:
        index.write(put(SHIP, Operator(icao="GLF", name="Gulf Air")))
        assert sorted(found(index, "gulf")) == ["GLF", "a835af"]
        assert found(index, "gulf", entity=Operator) == ["GLF"]
        assert (index.count(), index.count(Aircraft), index.count(Operator)) == (2, 1, 1)

    def test_the_best_come_first_and_no_more_than_asked_for(self, index: Index) -> None:
        index.write(put(ship(icao24="aaaaaa", model="one of many words and a falcon"), ship(model="falcon falcon")))
        assert found(index, "falcon")[1] == "aaaaaa"
        assert len(found(index, "falcon", limit=1)) == 1
        for limit in (0, 10_001):
            with pytest.raises(InvalidInputError, match="from 1 to 10000"):
                index.search("falcon", limit=limit)

    @pytest.mark.parametrize(
        "text",
        [
            '"',
            "'",
            "falcon OR",
            "NEAR(",
            "text:x",
            "*",
            "^a",
            "a\0b",
            '"; DROP',
            "{",
            "-x",
            "(",
            "AND NOT",
            "\\",
            "\ud800x",
        ],
        ids=ascii,
    )
    def test_no_sign_in_what_is_searched_for_has_a_meaning(self, index: Index, text: str) -> None:
        index.write(put(ship(model="falcon")))
        assert found(index, text) == []

    @pytest.mark.parametrize("name", ["Österreichische", "北京航空", "Аэрофлот", "الخطوط", "Icelandair✈", "x\u0301y"])
    def test_names_in_any_script_are_found(self, index: Index, name: str) -> None:
        index.write(put(Operator(icao="OSA", name=name), Operator(icao="OSB", name="Other")))
        assert found(index, name) == ["OSA"]
        assert index.get(Operator, icao="OSA") == {"name": name}

    def test_case_does_not_count_and_accents_do(self, index: Index) -> None:
        index.write(put(Operator(icao="OSA", name="Österreichische")))
        assert found(index, "ÖSTERREICHISCHE") == ["OSA"]
        assert found(index, "osterreichische") == []


class TestChanges:
    def test_a_change_takes_the_place_of_what_was_there(self, index: Index) -> None:
        index.write(history(SHIP, SHIP.model_copy(update={"registration": "N1"})))
        assert found(index, "N628TS") == []
        assert found(index, "N1") == ["a835af"]
        assert index.count() == 1

    def test_what_is_removed_is_not_found(self, index: Index) -> None:
        index.write(history(SHIP))
        index.write(history(SHIP, None)[1:])
        assert index.get(Aircraft, icao24="a835af") is None
        assert (found(index, "N628TS"), index.count()) == ([], 0)

    def test_the_removal_of_what_never_came_keeps_it_away(self, index: Index) -> None:
        insert, removal = history(SHIP, None)
        index.write([removal])
        index.write([insert])
        assert index.get(Aircraft, icao24="a835af") is None

    def test_a_batch_larger_than_a_request_is_taken_whole(self, index: Index) -> None:
        marks = product("ABCDEF", "ABCDEFGHIJ", "ABCDEFGHIJ")
        assert index.write(put(*(Operator(icao="".join(mark), name="Fleet") for mark in marks))) == []
        assert index.count(Operator) == 600

    def test_a_removal_without_its_image_removes_what_is_there_and_a_later_life_is_taken(self, index: Index) -> None:
        changes = history(SHIP, SHIP, None, SHIP, view="NEW_IMAGE")
        index.write(changes[:3])
        assert index.get(Aircraft, icao24="a835af") is None
        index.write(changes[3:])
        assert index.get(Aircraft, icao24="a835af") is not None

    def test_a_removal_without_its_image_of_what_never_came_does_nothing(self, index: Index) -> None:
        assert index.write(history(SHIP, None, view="NEW_IMAGE")[1:]) == []
        assert index.count() == 0

    @pytest.mark.parametrize("view", ["KEYS_ONLY", "OLD_IMAGE"])
    def test_a_change_without_its_new_image_is_refused_and_those_behind_it(self, index: Index, view: Any) -> None:
        changes = [*history(SHIP, view=view), *put(ship(registration="N2")), *history(SHIP, SHIP)[1:]]
        refused = index.write(changes)
        assert [known.change for known in refused] == [changes[0], changes[2]]
        assert all("NEW_AND_OLD_IMAGES" in str(known.error) for known in refused)
        assert len(found(index, "N2")) == 1
        assert index.get(Aircraft, icao24="a835af") is None

    def test_a_version_that_has_no_age_is_refused(self, index: Index) -> None:
        (refused,) = index.write([change(None, stored(SHIP, version=1 << 21))])
        assert isinstance(refused.error, InvalidInputError)

    def test_a_change_of_an_entity_that_is_not_indexed_is_an_error_and_nothing_is_written(self, index: Index) -> None:
        with pytest.raises(InvalidInputError, match="Keeper is not among"):
            index.write([*put(SHIP), *put(Keeper(keeper_id="1"))])
        assert index.count() == 0
        with pytest.raises(InvalidInputError):
            index.search("x", entity=Keeper)


class TestPrivacy:
    KEEPER = Keeper(keeper_id="k1", town="Reno", name="Jane", password="hunter2")

    def test_private_fields_are_left_out_unless_named(self, make: Callable[..., Index]) -> None:
        index = make(fields={Keeper: None})
        index.write(put(self.KEEPER))
        assert index.get(Keeper, keeper_id="k1") == {"keeper_id": "k1", "town": "Reno"}
        assert found(index, "Jane") == []

    def test_a_personal_field_is_indexed_where_it_is_named(self, make: Callable[..., Index]) -> None:
        index = make(fields={Keeper: ["name"]})
        index.write(put(self.KEEPER))
        assert found(index, "Jane") == ["k1"]

    def test_private_fields_of_models_inside_are_left_out(self, make: Callable[..., Index]) -> None:
        index = make(fields={Keeper: ["contacts"]})
        contacts = {"office": [Contact(town="Elko", phone="555")]}
        index.write(put(Keeper(keeper_id="k1", contacts=contacts)))
        assert index.get(Keeper, keeper_id="k1") == {"contacts": {"office": [{"town": "Elko"}]}}
        assert (found(index, "elko"), found(index, "555"), found(index, "hunter2")) == (["k1"], [], [])

    def test_a_personal_key_is_told_only_where_it_is_named(self, make: Callable[..., Index]) -> None:
        with pytest.raises(DefinitionError, match="email is private"):
            make(fields={Visitor: ["town"]})
        index = make(fields={Visitor: ["email"]})
        index.write(put(Visitor(email="jane@example.com")))
        (hit,) = index.search("jane")
        assert hit.identity == {"email": "jane@example.com"}

    @pytest.mark.parametrize(
        "fields",
        [
            {Keeper: ["password"]},
            {Keeper: ["unknown"]},
            {Keeper: []},
            {Badge: None},
            {Badge: ["email"]},
            {Visitor: ["email"], Guest: None},
            {},
        ],
        ids=range(7),
    )
    def test_secret_unknown_and_no_fields_are_errors_of_the_definition(
        self, make: Callable[..., Index], fields: Any
    ) -> None:
        with pytest.raises(DefinitionError):
            make(fields=fields)


STATES = st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=6)


def state(address: str, number: int | None) -> Aircraft | None:
    return None if number is None else Aircraft(icao24=address, registration=f"N{number}")


def expected(states: list[int | None]) -> Any:
    return None if states[-1] is None else {"registration": f"N{states[-1]}"}


@pytest.fixture
def shared(make: Callable[..., Index]) -> Index:
    """One index for all examples, each of which has an aircraft of its own; `get` needs no refresh."""
    return make(refresh=False) if "OpenSearch" in type(made := make()).__name__ else made


@settings(max_examples=30)
@given(st.data())
def test_any_order_of_deliveries_with_duplicates_ends_in_the_state_of_the_table(shared: Index, data: Any) -> None:
    states = data.draw(STATES)
    address = fresh_address()
    changes = history(*(state(address, number) for number in states))
    again = data.draw(st.lists(st.sampled_from(changes), max_size=4)) if changes else []
    delivered = data.draw(st.permutations([*changes, *again]))
    cut = data.draw(st.integers(0, len(delivered)))
    for batch in (delivered[:cut], delivered[cut:]):
        assert shared.write(batch) == []
    assert shared.get(Aircraft, icao24=address) == expected(states)


@settings(max_examples=20)
@given(st.data())
def test_stretches_that_come_again_end_right_without_old_images_too(shared: Index, data: Any) -> None:
    states = data.draw(STATES)
    address = fresh_address()
    changes = history(*(state(address, number) for number in states), view="NEW_IMAGE")
    reached = 0
    while reached < len(changes):
        start = data.draw(st.integers(0, reached))
        reached = data.draw(st.integers(reached + 1, len(changes)))
        assert shared.write(changes[start:reached]) == []
    assert shared.get(Aircraft, icao24=address) == expected(states)
