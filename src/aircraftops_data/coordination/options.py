"""What is said once of a change history: where it lies, and how its makers take turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from aircraftops_data.core.context import Context, TableNames
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.schema import JOBS, Table
from aircraftops_data.settings import Settings, TableOptions

# All that a lock or a history needs of a table of its own.
_BARE = Table("CoordinationTable")
_SCOPE_LIMIT = 100


@dataclass(frozen=True)
class ChangeOptions:
    """Where the history lies and how it is made; without names of tables, JobsTable has both history and locks."""

    scope: str = "default"
    """Keeps the histories of several services in one table apart; each has a lock of its own."""
    history_table: str | None = None
    lock_table: str | None = None
    auto_create: bool = True
    """Whether `apply` makes these tables where they are missing."""
    tables: TableOptions = field(default_factory=TableOptions)
    """How it makes them: billing, read and write units when provisioned."""
    lease: timedelta = timedelta(seconds=30)
    """How soon another takes over from a maker that died."""
    wait: timedelta = timedelta(minutes=10)
    """How long `apply` waits for another maker to come to an end."""

    @classmethod
    def of(cls, settings: Settings) -> ChangeOptions:
        """What the settings say."""
        return cls(
            history_table=settings.history_table,
            lock_table=settings.lock_table,
            auto_create=settings.auto_create,
            tables=settings,
        )

    def __post_init__(self) -> None:
        # Idempotency keys are a scope and an id, joined by a colon.
        if not 0 < len(self.scope) <= _SCOPE_LIMIT or ":" in self.scope:
            raise InvalidInputError(f"The scope of a history has 1 to {_SCOPE_LIMIT} characters, none of them a colon")

    @property
    def lock_name(self) -> str:
        """The lock that the makers of this history take turns by."""
        return f"changes:{self.scope}"

    def wanted(self, context: Context) -> Iterator[tuple[Table, Context]]:
        """The tables of the history and of its lock, with the contexts that name them."""
        given = {self.history_table, self.lock_table}
        if None in given:
            yield JOBS, context
        for name in sorted(name for name in given if name is not None):
            yield _BARE, Context(TableNames(overrides={_BARE.name: name}), context.clock, context.chance, context.retry)
