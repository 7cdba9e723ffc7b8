"""The commands about streams: the live view and what it keeps to itself, shards, gaps."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any

import pytest

from aircraftops_data import CORE, AircraftOps, Entity, PrimaryKey
from aircraftops_data.cli import streams as stream_commands
from aircraftops_data.cli.output import exit_code
from aircraftops_data.model.privacy import PERSONAL, SECRET
from aircraftops_data.translation.codec import codec_of
from commanding import invoked, printed, refused
from polling import NAME, Scene


class Pilot(Entity, table=CORE, entity_type="tailed_pilot"):
    """Somebody with something to hide."""

    licence: Annotated[str, PERSONAL]
    name: Annotated[str, PERSONAL]
    pin: Annotated[str, SECRET] = ""
    hours: int = 0
    notes: str | None = None

    primary = PrimaryKey("TAILED_PILOT#{licence}", "PILOT")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A stream in memory, which every command is connected to."""
    scene = Scene()
    ops = AircraftOps(scene.core)
    ops.streams = scene.streams
    monkeypatch.setattr(stream_commands, "connected", lambda endpoint_url, prefix: ops)
    return scene


def put(scene: Scene, entity: Entity) -> None:
    scene.world.put(codec_of(entity.definition()).item(entity))


def lines(*arguments: str) -> list[str]:
    return [
        *invoked("streams", "tail", "CoreTable", "--once", "--from", "trim-horizon", *arguments).stdout.splitlines()
    ]


# The live view


def test_changes_are_printed_one_a_line_with_what_changed(scene: Scene) -> None:
    scene.fill("a", 1, 2)
    scene.world.delete(("POLLED_TANK#a", "TANK"))
    scene.clock.advance(60)
    at = "2100-01-01 00:00:00Z"
    assert lines() == [
        f"{at} insert polled_tank name=a litres: 1",
        f"{at} modify polled_tank name=a litres: 1 -> 2",
        f"{at} remove polled_tank name=a litres: 2 -> none",
    ]


def test_json_has_the_change_whole_line_by_line(scene: Scene) -> None:
    scene.fill("a", 1, 2)
    inserted, modified = map(json.loads, lines("--json"))
    assert inserted["operation"] == "insert"
    assert {name: modified[name] for name in ("at", "table", "operation", "cause", "entity", "identity")} == {
        "at": "2100-01-01T00:00:00.000000Z",
        "table": "CoreTable",
        "operation": "modify",
        "cause": "user",
        "entity": "polled_tank",
        "identity": {"name": "a"},
    }
    assert modified["changes"] == [{"field": "litres", "before": 1, "after": 2, "redacted": None}]
    assert int(modified["sequence"]) > int(inserted["sequence"])


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["words", "json"])
def test_of_private_fields_only_the_names_are_printed(scene: Scene, how: tuple[str, ...]) -> None:
    put(scene, Pilot(licence="L-77", name="Amelia", pin="1937"))
    put(scene, Pilot(licence="L-77", name="Earhart", pin="1928", hours=3))
    told = "\n".join(lines(*how))
    for secret in ("L-77", "Amelia", "Earhart", "1937", "1928"):
        assert secret not in told
    assert "(personal)" in told
    assert "pin" in told
    assert "secret" in told
    assert "hours" in told


def test_of_items_of_no_entity_and_of_poison_nothing_they_hold_is_printed(scene: Scene) -> None:
    scene.world.put({"PK": {"S": "SECRET#1"}, "SK": {"S": "x"}, "text": {"S": "hidden"}})
    item = codec_of(Pilot.definition()).item(Pilot(licence="L-77", name="Amelia"))
    scene.world.put({**item, "hours": {"S": "hidden"}})
    unknown, poison = lines()
    assert "insert unknown" in unknown
    assert "corrupt_entity" in poison
    told = [json.loads(each) for each in lines("--json")]
    assert [each.get("entity", each.get("poison")) for each in told] == ["unknown", "corrupt_entity"]
    for hidden in ("hidden", "SECRET", "Amelia", "L-77"):
        assert hidden not in f"{unknown}{poison}{told}"


def test_what_a_terminal_would_obey_is_written_out_and_long_values_are_cut(scene: Scene) -> None:
    put(scene, Pilot(licence="L-77", name="x", notes="\x1b[31m" + "n" * 100))
    (told,) = lines()
    assert "\x1b" not in told
    assert told.endswith("nnn...")
    assert "n" * 60 not in told


def test_only_changes_of_the_entities_asked_for_are_printed(scene: Scene) -> None:
    scene.fill("a", 1)
    put(scene, Pilot(licence="L-77", name="x"))
    scene.world.put({"PK": {"S": "OTHER#1"}, "SK": {"S": "x"}})
    assert len(lines("--entity", "tailed_pilot")) == 1
    assert len(lines("--entity", "Pilot", "--entity", "polled_tank")) == 2
    assert len(lines()) == 3


def test_by_default_only_what_comes_from_now_on_is_printed(scene: Scene) -> None:
    scene.fill("a", 1)
    assert invoked("streams", "tail", "CoreTable", "--once").stdout == ""


def test_shards_of_every_age_are_shown_in_order(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.world.split(scene.world.shards[0])
    scene.fill("a", 2)
    for shard in scene.world.open_shards:
        scene.world.roll(shard)
    scene.fill("a", 3)
    assert [line.split()[-1] for line in lines("--entity", "polled_tank")][1:] == ["2", "3"]


@pytest.mark.parametrize(
    "arguments", ["Nowhere", "JobsTable", "CoreTable --from yesterday", "CoreTable --entity nobody"]
)
def test_what_cannot_be_shown_exits_with_2(scene: Scene, arguments: str) -> None:
    assert exit_code(refused("streams", "tail", *arguments.split(), "--once")) == 2


def test_ctrl_c_ends_the_view(scene: Scene) -> None:
    def interrupt() -> Any:
        raise KeyboardInterrupt

    scene.streams.planned["GetRecords"] = interrupt
    assert "stopped" in invoked("streams", "tail", "CoreTable").stderr


# Pollers


def test_shards_are_listed_with_how_far_they_are_read_and_who_has_them(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller().drain()
    scene.world.roll(scene.world.shards[0])
    scene.fill("a", 2)
    poller = scene.poller()
    poller.drain()
    (work,) = poller.look()
    scene.clock.advance(90)
    ended, held = printed("streams", "shards", NAME)
    assert (ended["state"], held["state"]) == ("ended", "open")
    assert (ended["owner"], held["owner"]) == (None, poller.id)
    assert held["checkpoint"] == str(work.state.place)
    assert held["at"] == "2100-01-01T00:00:00.000000Z"
    said = invoked("streams", "shards", NAME).stdout
    assert "1 minute 30 seconds old" in said


@pytest.mark.parametrize("command", ["shards", "gaps list"])
def test_pollers_of_a_name_that_never_were_exit_with_3(scene: Scene, command: str) -> None:
    assert exit_code(refused("streams", *command.split(), "nobody")) == 3


def test_a_gap_is_listed_until_somebody_acknowledges_it(scene: Scene) -> None:
    scene.fill("a", 1)
    scene.poller().drain()
    scene.fill("a", 2)
    scene.clock.advance(timedelta(hours=25))
    scene.world.trim()
    scene.fill("a", 3)
    scene.poller().drain()
    (gap,) = printed("streams", "gaps", "list", NAME)
    assert gap["noticed_at"] == "2100-01-02T01:00:00.000000Z"
    assert gap["after"] == printed("streams", "shards", NAME)[0]["checkpoint"]
    known = printed("streams", "gaps", "acknowledge", NAME, gap["shard"], "--by", "kim")
    assert known["acknowledged_by"] == "kim"
    assert printed("streams", "gaps", "list", NAME) == []
    assert exit_code(refused("streams", "gaps", "acknowledge", NAME, gap["shard"])) == 3
    scene.poller().drain()
    assert scene.taker.of("a") == [1, 3]


@pytest.mark.slow
def test_the_commands_reach_an_engine_by_its_endpoint_and_prefix(local_endpoint: str, fresh_names: str) -> None:
    from aircraftops_data.testing import local_session

    where = ("--endpoint-url", local_endpoint, "--prefix", fresh_names)
    invoked("tables", "create", *where)
    ops = AircraftOps.connect(session=local_session(), endpoint_url=local_endpoint, prefix=fresh_names)
    ops.core.put(Pilot(licence="L-77", name="x", hours=5))
    (told,) = lines("--entity", "tailed_pilot", *where)
    assert "insert tailed_pilot" in told
    assert "hours: 5" in told
