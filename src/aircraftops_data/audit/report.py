"""What verifying a chain found: typed findings, how many of each kind, and how far the chain is anchored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class FindingKind(StrEnum):
    """What is so of an event, a block or the chain."""

    OK = "ok"
    ALTERED = "altered"
    """An event, a block or the head is not what was hashed."""
    MISSING = "missing"
    """An event or block is gone that should be there."""
    RELINKED = "relinked"
    """A block does not follow the one before it."""
    TRUNCATED = "truncated"
    """The chain ends before its head, or before a checkpoint, says it does."""
    FORKED = "forked"
    """Blocks that the head does not know of, or other ones than a checkpoint was signed for."""
    EXPIRED = "expired"
    """An event is gone that was due to expire."""
    ERASED = "erased"
    """An event is gone, and a later event of the chain says that it was erased."""
    UNCOMMITTED = "uncommitted"
    """An event says it is of the chain, and no block has it."""
    UNANCHORED_TAIL = "unanchored_tail"
    """From this event on no checkpoint vouches for the chain: who can write all of it could have made it anew."""
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    """A block's hashes cannot be recomputed by this program."""
    UNKNOWN_SIGNER = "unknown_signer"
    """A checkpoint is signed with a key that was not given: it anchors nothing."""


HARMLESS = frozenset(
    {
        FindingKind.OK,
        FindingKind.EXPIRED,
        FindingKind.ERASED,
        FindingKind.UNCOMMITTED,
        FindingKind.UNANCHORED_TAIL,
        FindingKind.UNKNOWN_SIGNER,
    }
)
"""What a chain that nobody tampered with can show."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so: of the event `seq`, of the block where there is no seq, of the chain where neither."""

    kind: FindingKind
    problem: str
    block: int | None = None
    seq: int | None = None
    resource: str | None = None
    event_id: str | None = None


@dataclass
class Report:
    """What verifying found. `findings` lists up to `most` of each kind that is not `ok`; `counts` counts all."""

    chain: str
    most: int = 1000
    checked: int = 0
    """Events whose entries were checked."""
    blocks: int = 0
    since_seq: int = 0
    until_seq: int = 0
    anchored_seq: int = 0
    """The last event a checkpoint vouches for whose signature was verified; 0 for none."""
    findings: list[Finding] = field(default_factory=list[Finding])
    counts: Counter[FindingKind] = field(default_factory=Counter[FindingKind])
    told: Callable[[Finding], None] | None = field(default=None, repr=False)
    progress: Callable[[Report], None] | None = field(default=None, repr=False)

    def add(self, finding: Finding) -> None:
        """One more; `told` is given each of them."""
        self.counts[finding.kind] += 1
        if self.counts[finding.kind] <= self.most:
            self.findings.append(finding)
        if self.told is not None:
            self.told(finding)

    def passed(self, events: int) -> None:
        """One more block of so many events; `progress` is given the report so far."""
        self.blocks += 1
        self.checked += events
        if self.progress is not None:
            self.progress(self)

    @property
    def harmful(self) -> list[FindingKind]:
        """The kinds that were found which only tampering leaves behind."""
        return sorted(kind for kind, count in self.counts.items() if count and kind not in HARMLESS)

    @property
    def ok(self) -> bool:
        """Whether nothing was found that tampering leaves behind."""
        return not self.harmful

    def of(self, *kinds: FindingKind) -> list[Finding]:
        """The findings of some kinds."""
        return [finding for finding in self.findings if finding.kind in kinds]
