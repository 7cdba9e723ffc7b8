"""How events are recorded and chained, beside what each says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from aircraftops_data.audit.block import ALGORITHM
from aircraftops_data.audit.encoding import hasher
from aircraftops_data.audit.retention import Retention
from aircraftops_data.audit.scanning import SecretPolicy
from aircraftops_data.endpoints import is_local
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.settings import Settings

_MOST_IN_A_GROUP = 250


@dataclass(frozen=True)
class AuditOptions:
    """What holds for all events of a process. Raises InvalidInputError for what cannot be."""

    enabled: bool = True
    """Whether events are stored at all."""
    retention: Retention = field(default_factory=Retention)
    secrets: SecretPolicy = SecretPolicy.REDACT
    store_payload: bool = True
    hash_chain: bool = False
    """Whether every event goes into the chain of its tenant."""
    source: str | None = None
    """What events say they come from, where they do not say so themselves."""
    algorithm: str = ALGORITHM
    """The hash of new blocks; older ones keep theirs."""
    group: int = 100
    """At most so many events are taken into one block."""
    concurrency: int = 8
    """At most so many events of a group are put at the same time."""
    deadline: timedelta = timedelta(seconds=30)
    """How long an append goes on trying."""
    create_table: bool = False
    """Whether the table is made when it is first used."""

    def __post_init__(self) -> None:
        """Raise InvalidInputError, UnsupportedAlgorithmError."""
        hasher(self.algorithm)
        if self.secrets not in frozenset(SecretPolicy):
            raise InvalidInputError(f"Secrets are dealt with by {', '.join(SecretPolicy)}, not by {self.secrets!r}")
        object.__setattr__(self, "secrets", SecretPolicy(self.secrets))
        if not 1 <= self.group <= _MOST_IN_A_GROUP:
            raise InvalidInputError(f"A group has 1 to {_MOST_IN_A_GROUP} events, not {self.group}")
        if self.concurrency < 1:
            raise InvalidInputError("At least one event at a time is put")

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say. On an engine of this machine the table is made when it is first used."""
        return cls(
            enabled=settings.audit_enabled,
            retention=Retention(timedelta(seconds=settings.audit_ttl_seconds)),
            secrets=SecretPolicy(settings.audit_secrets),
            store_payload=settings.audit_store_payload,
            hash_chain=settings.audit_hash_chain,
            create_table=settings.endpoint_url is not None and is_local(settings.endpoint_url),
        )
