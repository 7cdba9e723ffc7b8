"""How long events are kept: the closest rule wins, no event goes early, and what means nothing is refused."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.audit.retention import Retention, Rule
from aircraftops_data.errors import DefinitionError, InvalidInputError

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def days(count: int) -> timedelta:
    """So many days."""
    return timedelta(days=count)


# The closest last; each takes acme's `billing.refund.undo`.
CLOSER = (
    Rule(days(1), tenant="acme"),
    Rule(days(2), action="billing.*"),
    Rule(days(3), action="billing.refund.*"),
    Rule(days(4), action="billing.refund.undo"),
    Rule(days(5), tenant="acme", action="billing.*"),
    Rule(days(6), tenant="acme", action="billing.refund.*"),
    Rule(days(7), tenant="acme", action="billing.refund.undo"),
)


@given(st.lists(st.sampled_from(CLOSER), unique=True), st.randoms())
def test_the_closest_rule_wins_in_whatever_order_they_are_given(rules: list[Rule], random: Any) -> None:
    random.shuffle(rules)
    expected = max((rule.keep for rule in rules if rule.keep), default=days(30))
    assert Retention(rules=rules).keep("acme", "billing.refund.undo") == expected


@pytest.mark.parametrize(("closer", "other"), list(itertools.combinations(CLOSER[::-1], 2)))
def test_of_any_two_rules_the_closer_one_wins(closer: Rule, other: Rule) -> None:
    assert Retention(rules=[other, closer]).keep("acme", "billing.refund.undo") == closer.keep


@pytest.mark.parametrize(
    ("action", "taken"),
    [
        ("billing.refund", True),
        ("billing.a.b", True),
        ("billing", False),
        ("billings.a", False),
        ("a.billing.b", False),
    ],
)
def test_a_star_stands_for_what_lies_below_a_dot(action: str, taken: bool) -> None:
    assert Rule(days(1), action="billing.*").takes("any", action) is taken


def test_a_rule_of_another_tenant_or_action_takes_nothing() -> None:
    retention = Retention(days(9), [Rule(days(1), "acme"), Rule(days(2), "umbrella", "a.b"), Rule(days(3), None, "c")])
    assert retention.keep("umbrella", "a.c") == days(9)
    assert retention.keep("umbrella", "a.b") == days(2)
    assert retention.keep("acme", "a.b") == days(1)
    assert retention.keep("acme", "c") == days(3)


def test_events_are_kept_30_days_unless_said_otherwise() -> None:
    assert Retention().expires_at("acme", "a", NOW, NOW) == NOW + days(30)


def test_an_event_may_be_kept_for_ever() -> None:
    retention = Retention(rules=[Rule(None, action="audit.*")])
    assert retention.expires_at("acme", "audit.erase", NOW, NOW) is None
    assert Retention(None, [Rule(days(1), "acme")]).expires_at("umbrella", "a", NOW, NOW) is None


@given(
    st.timedeltas(timedelta(microseconds=1), timedelta(days=36_500)),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    st.timedeltas(-timedelta(days=400), timedelta(days=400)),
)
def test_an_event_expires_at_a_whole_second_and_never_early(keep: timedelta, now: datetime, ahead: timedelta) -> None:
    ends = Retention(keep).expires_at("acme", "a", now + ahead, now)
    assert ends is not None
    assert ends.microsecond == 0
    assert timedelta() <= ends - max(now, now + ahead) - keep < timedelta(seconds=1)


def test_a_late_event_is_kept_from_when_it_is_recorded() -> None:
    assert Retention(days(1)).expires_at("acme", "a", NOW - days(400), NOW) == NOW + days(1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rule(timedelta(), "acme"),
        lambda: Rule(-days(1), "acme"),
        lambda: Rule(days(400_000), "acme"),
        lambda: Rule(days(1)),
        lambda: Rule(days(1), ""),
        lambda: Rule(days(1), "acme", ""),
        lambda: Rule(days(1), action="*"),
        lambda: Rule(days(1), action=".*"),
        lambda: Rule(days(1), action="a.*.b"),
        lambda: Rule(days(1), action="a*"),
        lambda: Retention(timedelta()),
        lambda: Retention(rules=[Rule(days(1), "acme"), Rule(days(2), "acme")]),
        lambda: Retention(rules=[Rule(days(1), None, "a.*"), Rule(days(9), None, "b"), Rule(days(1), None, "a.*")]),
    ],
)
def test_a_rule_that_means_nothing_or_two_that_say_the_same_are_refused(make: Any) -> None:
    with pytest.raises(DefinitionError):
        make()


@pytest.mark.parametrize(("name", "years"), [("sox", 7), ("hipaa", 6), ("pci-dss", 1)])
def test_a_preset_is_no_day_shorter_than_its_years(name: str, years: int) -> None:
    keep = Retention.preset(name).keep("acme", "a")
    assert keep is not None
    spans = [date(year + years, 3, 1) - date(year, 3, 1) for year in range(1999, 2100)]
    assert keep == max(spans)


def test_rules_go_before_a_preset_and_an_unknown_preset_is_refused() -> None:
    retention = Retention.preset("sox", [Rule(days(1), action="page.viewed")])
    assert retention.keep("acme", "page.viewed") == days(1)
    with pytest.raises(InvalidInputError, match="sox, hipaa, pci-dss"):
        Retention.preset("gdpr")
