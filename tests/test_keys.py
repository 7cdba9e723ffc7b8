"""Key templates: what they build they parse, no two identities share a key, and byte order is component order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aircraftops_data.errors import DefinitionError, InvalidKeyError
from aircraftops_data.model.keys import KeyTemplate, escape, unescape
from strategies import NAMES, awkward_texts, templates, texts

JOB = KeyTemplate.of("JOB#{queue}#{name}")
components = st.fixed_dictionaries({name: texts() for name in NAMES})
awkward_components = st.fixed_dictionaries({name: awkward_texts() for name in NAMES})


def built(template: KeyTemplate, values: dict[str, Any]) -> str:
    """The key of values of which none is None."""
    key = template.build(values)
    assert key is not None
    return key


def chosen(template: KeyTemplate, values: dict[str, Any]) -> tuple[Any, ...]:
    """The values a template uses, in its order."""
    return tuple(values[name] for name in template.components)


# Escaping


@given(texts(40))
def test_escaping_is_undone_by_unescaping(text: str) -> None:
    assert unescape(escape(text)) == text


@given(texts(40))
def test_escaped_text_holds_no_separator_and_no_character_below_the_escape(text: str) -> None:
    assert not re.search(r"[\x00-\x24]", escape(text))


@given(texts(), texts())
def test_escaping_keeps_byte_order(one: str, other: str) -> None:
    assert (one.encode() < other.encode()) == (escape(one).encode() < escape(other).encode())


@given(texts(), texts())
def test_escaping_keeps_beginnings(one: str, other: str) -> None:
    assert other.startswith(one) == escape(other).startswith(escape(one))


@given(texts(40) | st.text("%0123456789abcdefABCDEF", max_size=8))
def test_unescaping_takes_only_what_escaping_writes(text: str) -> None:
    try:
        plain = unescape(text)
    except InvalidKeyError:
        return
    assert escape(plain) == text


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\udc00\ud800", "x\ud83d"])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(InvalidKeyError, match="surrogate"):
        escape(text)
    with pytest.raises(InvalidKeyError, match="'name'"):
        JOB.build({"queue": "q", "name": text})


# Building and parsing


@given(templates(), components)
def test_a_key_parses_to_the_components_it_was_built_from(text: str, values: dict[str, str]) -> None:
    template = KeyTemplate.of(text)
    assert template.parse(built(template, values)) == {name: values[name] for name in template.components}


@given(templates(), awkward_components, awkward_components)
def test_two_identities_never_share_a_key(text: str, one: dict[str, str], other: dict[str, str]) -> None:
    template = KeyTemplate.of(text)
    same = chosen(template, one) == chosen(template, other)
    assert (built(template, one) == built(template, other)) == same


@given(templates(), templates(), awkward_components, awkward_components)
def test_templates_that_do_not_overlap_never_share_a_key(
    text: str, other_text: str, one: dict[str, str], other: dict[str, str]
) -> None:
    left, right = KeyTemplate.of(text), KeyTemplate.of(other_text)
    assume(not left.overlaps(right))
    assert built(left, one) != built(right, other)


@given(templates(), templates())
def test_overlapping_is_mutual(text: str, other_text: str) -> None:
    left, right = KeyTemplate.of(text), KeyTemplate.of(other_text)
    assert left.overlaps(right) == right.overlaps(left)


@given(templates(), awkward_components, awkward_components)
def test_keys_sort_as_their_components_do(text: str, one: dict[str, str], other: dict[str, str]) -> None:
    template = KeyTemplate.of(text)
    keys = [built(template, values).encode() for values in (one, other)]
    tuples = [tuple(part.encode() for part in chosen(template, values)) for values in (one, other)]
    assert (keys[0] < keys[1]) == (tuples[0] < tuples[1])


@given(templates(), st.lists(components, max_size=12))
def test_sorting_keys_sorts_identities(text: str, values: list[dict[str, str]]) -> None:
    template = KeyTemplate.of(text)
    by_key = sorted(values, key=lambda one: built(template, one).encode())
    by_tuple = sorted(values, key=lambda one: [part.encode() for part in chosen(template, one)])
    assert [chosen(template, one) for one in by_key] == [chosen(template, one) for one in by_tuple]


@given(templates(), st.data())
def test_parse_takes_only_what_build_writes(text: str, data: st.DataObject) -> None:
    template = KeyTemplate.of(text)
    key = built(template, data.draw(awkward_components))
    spoiled = data.draw(spoilings(key) | texts(30) | st.text("JOBSA#%23", max_size=12))
    try:
        parsed = template.parse(spoiled)
    except InvalidKeyError:
        return
    assert template.build(parsed) == spoiled


def spoilings(key: str) -> st.SearchStrategy[str]:
    """A key with a piece cut out, put in, or replaced."""
    places = st.integers(0, len(key))
    pieces = awkward_texts(2) | st.just("\n")
    return st.builds(
        lambda start, length, new: key[:start] + new + key[start + length :], places, st.integers(0, 3), pieces
    )


@pytest.mark.parametrize(
    "key",
    [
        "JOB#q#n\n",
        "JOB#q#n ",
        "JOB#q",
        "JOB#q#n#x",
        "JOB#q#n#",
        "job#q#n",
        "JOBS#q#n",
        "JOB#q#%2f",
        "JOB#q#%2F",
        "JOB#q#%41",
        "JOB#q#%0a",
        "JOB#q#%",
        "JOB#q#%2",
        "JOB#q#%G0",
        "JOB#q#%\uff12\uff13",
        "JOB#q# ",
        "JOB#q#$",
        "",
        "JOB",
    ],
)
def test_a_key_that_build_does_not_write_is_refused(key: str) -> None:
    with pytest.raises(InvalidKeyError):
        JOB.parse(key)


def test_a_refused_key_is_not_quoted_in_the_message() -> None:
    with pytest.raises(InvalidKeyError) as caught:
        JOB.parse("JOB#q#secret owner")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["q#n", "#", "##", "q#", "#n", "%23", "q%23n", "JOB#q", "UNIQUE#a#b"])
def test_a_value_cannot_forge_a_separator(value: str) -> None:
    key = built(JOB, {"queue": value, "name": "n"})
    assert key.count("#") == 2
    assert JOB.parse(key) == {"queue": value, "name": "n"}


@given(texts(), texts(), texts())
def test_a_value_cannot_make_a_key_longer_by_a_segment(one: str, other: str, third: str) -> None:
    assert built(JOB, {"queue": one, "name": other}) != built(
        KeyTemplate.of("JOB#{a}#{b}#{c}"), {"a": one, "b": other, "c": third}
    )


def test_empty_components_are_told_from_missing_ones() -> None:
    assert JOB.parse("JOB##") == {"queue": "", "name": ""}
    assert built(JOB, {"queue": "", "name": ""}) == "JOB##"


def test_case_and_unicode_are_kept() -> None:
    assert built(JOB, {"queue": "Ünï", "name": "\U0001f6e9"}) == "JOB#Ünï#\U0001f6e9"


@pytest.mark.parametrize("name", ["queue", "name"])
def test_none_in_any_component_makes_no_key(name: str) -> None:
    assert JOB.build({"queue": "q", "name": "n", name: None}) is None


def test_a_missing_component_is_refused_by_name() -> None:
    with pytest.raises(InvalidKeyError, match="'name'") as caught:
        JOB.build({"queue": "q"})
    assert caught.value.component == "name"


@pytest.mark.parametrize("value", [5, 1.5, b"n", True, ["n"], object()])
def test_a_text_component_takes_nothing_but_text(value: object) -> None:
    with pytest.raises(InvalidKeyError, match="'name'") as caught:
        JOB.build({"queue": "q", "name": value})
    assert caught.value.component == "name"


def test_a_component_the_template_lacks_is_refused_by_name() -> None:
    with pytest.raises(InvalidKeyError, match="no component 'worker'"):
        JOB.component("worker")


# Prefixes


@given(templates(), awkward_components, st.lists(awkward_components, max_size=8), st.integers(0, 3))
def test_a_prefix_meets_the_keys_with_the_same_leading_components_alone(
    text: str, wanted: dict[str, str], stored: list[dict[str, str]], given_count: int
) -> None:
    template = KeyTemplate.of(text)
    leading = template.components[:given_count]
    prefix, missing = template.prefix({name: wanted[name] for name in leading})
    for values in stored:
        key = built(template, values)
        met = key == prefix if missing is None else key.startswith(prefix)
        assert met == all(values[name] == wanted[name] for name in leading)


@given(templates(), awkward_components, st.integers(0, 3))
def test_a_prefix_ends_at_a_separator(text: str, values: dict[str, str], given_count: int) -> None:
    template = KeyTemplate.of(text)
    prefix, missing = template.prefix({name: values[name] for name in template.components[:given_count]})
    assert missing is None or prefix == "" or prefix.endswith("#")


@pytest.mark.parametrize(("short", "long"), [("1", "10"), ("B73", "B738"), ("", "A"), ("A", "A#B"), ("%", "%2")])
def test_a_component_is_no_prefix_of_a_longer_one(short: str, long: str) -> None:
    prefix, _ = JOB.prefix({"queue": short})
    assert not built(JOB, {"queue": long, "name": "n"}).startswith(prefix)


def test_a_component_given_behind_one_that_is_missing_is_refused() -> None:
    with pytest.raises(InvalidKeyError, match=r"'name' is given without 'queue'") as caught:
        JOB.prefix({"name": "n"})
    assert caught.value.component == "queue"


# Templates


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "JOB#",
        "#JOB",
        "JOB##{queue}",
        "JOB{queue}",
        "{queue}{name}",
        "JOB#{queue}-{name}",
        "JOB#{}",
        "JOB#{queue",
        "JOB#queue}",
        "JOB#{queue:}",
        "JOB#{queue:ten}",
        "JOB #{queue}",
        "50%#{queue}",
        "JOB\n#{queue}",
        "JOB#{queue}\n",
        "JOB#{que ue}",
        "JOB#{queue!r}",
        "JOB#{queue.name}",
    ],
)
def test_a_template_that_is_not_segments_between_separators_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError, match="Key template"):
        KeyTemplate.of(text)


def test_a_template_that_names_a_component_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match="twice"):
        KeyTemplate.of("JOB#{queue}#{queue}")


def test_a_template_knows_its_components_and_leading_literals() -> None:
    template = KeyTemplate.of("A#B#{one}#C#{two:4}")
    assert template.components == ("one", "two")
    assert template.leading_literals == ("A", "B")
    assert template.component("two").spec == "4"
    assert KeyTemplate.of("A#B").leading_literals == ("A", "B")


@given(texts(40))
def test_a_single_component_alone_is_stored_as_it_is(text: str) -> None:
    template = KeyTemplate.of("{id}")
    assert template.build({"id": text}) == text
    assert template.parse(text) == {"id": text}


# Tables whose keys others write


@given(templates(), components)
def test_an_unescaped_key_holds_its_components_as_they_are_or_is_refused(text: str, values: dict[str, str]) -> None:
    template = KeyTemplate.of(text, escaped=False)
    held = [values[name] for name in template.components]
    if any("#" in value for value in held) and not template.whole:
        with pytest.raises(InvalidKeyError, match="separates"):
            template.build(values)
        return
    key = built(template, values)
    assert all(value in key for value in held)
    assert template.parse(key) == {name: values[name] for name in template.components}


@pytest.mark.parametrize("escaped", [True, False])
def test_a_lone_surrogate_is_refused_however_the_table_writes_keys(escaped: bool) -> None:
    for text in ("A#{id}", "{id}"):
        with pytest.raises(InvalidKeyError):
            KeyTemplate.of(text, escaped=escaped).build({"id": "\ud800"})
