"""How long events are kept: by tenant and action, from when they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from aircraftops_data.errors import DefinitionError, InvalidInputError

_LONGEST = timedelta(days=366_000)


def _years(count: int) -> timedelta:
    """Not a day less than so many years, wherever they begin."""
    return timedelta(days=365 * count + (count + 3) // 4)


_PRESETS = {"sox": _years(7), "hipaa": _years(6), "pci-dss": _years(1)}


@dataclass(frozen=True, slots=True)
class Rule:
    """How long the events of a tenant, of an action, or of both are kept; for ever where `keep` is None.

    `action` is one action, or all below it: `billing.*` is `billing.refund` and `billing.refund.undo`, not `billing`.
    """

    keep: timedelta | None
    tenant: str | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        """Raise DefinitionError for a rule that means nothing."""
        _check_keep(self.keep)
        if self.tenant is None and self.action is None:
            raise DefinitionError("A rule is for a tenant, an action or both; what is for all is the default")
        stem = None if self.action is None else self.action.removesuffix(".*")
        if self.tenant == "" or stem == "" or (stem is not None and "*" in stem):
            raise DefinitionError("A rule names a tenant, an action, or all below an action as `a.*`")

    def takes(self, tenant: str, action: str) -> bool:
        """Whether the rule is for such events."""
        if self.tenant is not None and self.tenant != tenant:
            return False
        if self.action is None or not self.action.endswith(".*"):
            return self.action in (None, action)
        return action.startswith(self.action[:-1])

    @property
    def rank(self) -> tuple[bool, bool, bool, int]:
        """How closely the rule says what it is for; of two that take an event, the greater wins."""
        action = self.action or ""
        if self.tenant is not None and self.action is None:
            return (False, False, False, -1)
        exact = bool(action) and not action.endswith(".*")
        return (True, self.tenant is not None, exact, len(action))


@dataclass(frozen=True, slots=True)
class Retention:
    """How long events are kept: by the closest rule, else `default`; for ever where that is None.

    Closest first: tenant and action, tenant and the longest `action.*`, action, the longest `action.*`, tenant.
    """

    default: timedelta | None = timedelta(days=30)
    rules: Sequence[Rule] = ()

    def __post_init__(self) -> None:
        """Raise DefinitionError where two rules are for the very same events."""
        _check_keep(self.default)
        # The closest first, so that the first which takes an event is its rule.
        ranked = sorted(self.rules, key=lambda rule: rule.rank, reverse=True)
        said: set[tuple[str | None, str | None]] = set()
        for rule in ranked:
            if (rule.tenant, rule.action) in said:
                raise DefinitionError(f"Two rules for tenant {rule.tenant!r} and action {rule.action!r}")
            said.add((rule.tenant, rule.action))
        object.__setattr__(self, "rules", tuple(ranked))

    @classmethod
    def preset(cls, name: str, rules: Sequence[Rule] = ()) -> Self:
        """The least time a regulation names, for all events but those that `rules` are for.

        - `sox`, 7 years: records of audits and reviews of financial statements, 17 CFR 210.2-06(a).
        - `hipaa`, 6 years: required documentation, 45 CFR 164.316(b)(2)(i).
        - `pci-dss`, 12 months: audit log history, PCI DSS v4.0.1 requirement 10.5.1 (three of them at hand).

        Whether it is yours to keep, and from which day the years count, is for you to know: here they count from when
        an event is recorded, with all leap days. Others name no fixed time: the GDPR "no longer than is necessary"
        (article 5(1)(e)), 14 CFR 91.417 and EU 1321/2014 M.A.305 "until superseded". Raises InvalidInputError.
        """
        if name not in _PRESETS:
            raise InvalidInputError(f"No retention is called {name!r}; there are {', '.join(_PRESETS)}")
        return cls(_PRESETS[name], rules)

    def keep(self, tenant: str, action: str) -> timedelta | None:
        """How long such an event is kept; None for ever."""
        found = next((rule for rule in self.rules if rule.takes(tenant, action)), None)
        return self.default if found is None else found.keep

    def expires_at(self, tenant: str, action: str, occurred_at: datetime, now: datetime) -> datetime | None:
        """When an event recorded now may be deleted, in whole seconds and never early; None for never.

        The time counts from `now`, or from when the event occurred where that is said to be later. Raises
        InvalidInputError for one that would end after the year 9999.
        """
        keep = self.keep(tenant, action)
        if keep is None:
            return None
        try:
            end = max(now, occurred_at) + keep
            return end.replace(microsecond=0) + timedelta(seconds=1) if end.microsecond else end
        except OverflowError:
            raise InvalidInputError("An event of that instant would be kept beyond the year 9999") from None


def _check_keep(keep: timedelta | None) -> None:
    if keep is not None and not timedelta() < keep <= _LONGEST:
        raise DefinitionError("Events are kept for longer than nothing and less than 1000 years; None is for ever")
