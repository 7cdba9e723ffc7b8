"""What connecting takes before there is a connection: settings, names, clock and retry policy, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aircraftops_data.clock import Clock, Retry, SystemClock
from aircraftops_data.core.context import Context, TableNames
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.settings import Settings


@dataclass(frozen=True)
class Configured:
    """What a core table is connected with."""

    settings: Settings
    context: Context

    @property
    def cursor_secret(self) -> bytes:
        """What cursors are signed with; empty for none."""
        return self.settings.cursor_secret.get_secret_value().encode()


def configured(
    session: Any,
    client: Any,
    settings: Settings | None,
    clock: Clock | None,
    retry: Retry | None,
    given: dict[str, Any],
) -> Configured:
    """The arguments of `connect`, put together. Raises InvalidInputError for those that would be passed over."""
    if settings is not None and given:
        raise InvalidInputError(f"Give settings, or {', '.join(sorted(given))} by name; not both")
    known = Settings.from_environment(**given) if settings is None else settings
    if client is not None and (session is not None or given.get("endpoint_url") or given.get("region")):
        raise InvalidInputError("A client has its session, endpoint and region already; give none beside it")
    names = TableNames(known.prefix, known.overrides())
    return Configured(known, Context(names, clock or SystemClock(), retry=retry or Retry()))
