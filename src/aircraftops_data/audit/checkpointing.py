"""Making checkpoints, as plans: nothing is signed that was not verified, from an end that is known to be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aircraftops_data.audit.block import Tip
from aircraftops_data.audit.checking import TREE_ALGORITHM, Links
from aircraftops_data.audit.checkpoint import Checkpoint, Export, Keys, anchor_of, unsigned, verified
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.report import HARMLESS, Report
from aircraftops_data.audit.signing import PublicKeys, Signer
from aircraftops_data.audit.verifying import Verification, resumed
from aircraftops_data.core.asking import query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.errors import InvalidInputError, TamperError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Plan


class _NoKeys:
    key_ids: frozenset[str] = frozenset()

    def verify(self, key_id: str, algorithm: str, message: bytes, signature: bytes) -> bool:
        return False


def keys_of(signer: Signer) -> Keys:
    """What verifies what this signer signed, if it tells its public key; else nothing. Raises MissingExtraError."""
    public_pem = getattr(signer, "public_pem", None)
    return _NoKeys() if public_pem is None else PublicKeys([public_pem()])


def stored(chain: str, context: Context) -> Plan[list[Checkpoint]]:
    """The checkpoints of a chain in the table, oldest first, read strongly. About 1 read unit for 8 of them."""
    reading = query_reading(Checkpoint.primary(chain=chain), consistent=True)
    found: list[Checkpoint] = []
    start: Item | None = None
    while True:
        part = yield from chunk(reading, context, start, None)
        found += part.found.whole()
        start = part.next
        if start is None:
            return found


def latest(chain: str, context: Context, *, sealed: bool = False) -> Plan[list[Checkpoint]]:
    """The last checkpoint, and with `sealed` those before it back to one with exports; newest first, read strongly."""
    reading = replace(query_reading(Checkpoint.primary(chain=chain), consistent=True), newest_first=True)
    found: list[Checkpoint] = []
    start: Item | None = None
    while True:
        part = yield from chunk(reading, context, start, None if sealed else 1)
        for checkpoint in part.found.whole():
            found.append(checkpoint)
            if checkpoint.exports or not sealed:
                return found
        start = part.next
        if start is None:
            return found


@dataclass
class Draft:
    """A checkpoint to be, while what it is to say is being verified."""

    last: Checkpoint | None
    sealed: Checkpoint | None
    """The last one with exports, where that was asked for."""
    verification: Verification

    @property
    def report(self) -> Report:
        """What was found so far."""
        return self.verification.report

    @property
    def begin(self) -> Tip:
        """What the next export begins behind."""
        return Tip() if self.sealed is None else self.sealed.tip()

    def links(self, end: Checkpoint) -> Links:
        """What checks the export up to a checkpoint that is to be."""
        tree = Tree(TREE_ALGORITHM) if self.sealed is None else self.sealed.tree()
        return Links(Report(end.chain), self.begin, tree, [anchor_of(end, trusted=False)])

    @property
    def tip(self) -> Tip:
        """Where the chain ends, as far as it was verified."""
        return self.verification.links.tip

    def settled(self) -> Plan[None]:
        """Raises TamperError, which names what was found, unless all is well."""
        yield from self.verification.settle()
        bad = sorted(kind for kind, count in self.report.counts.items() if count and kind not in HARMLESS)
        chain = self.report.chain
        if bad:
            raise TamperError(f"Chain {chain!r} is not vouched for: {', '.join(bad)}", chain=chain)

    def checkpoint(self, context: Context, exports: Sequence[Export] = ()) -> Checkpoint:
        """What is to be signed. Raises TamperError, InvalidInputError for a chain without events."""
        tree, chain = self.verification.links.tree, self.report.chain
        if self.tip.size == 0:
            raise InvalidInputError(f"Chain {chain!r} has no events to vouch for")
        if tree is None:
            raise TamperError(f"Chain {chain!r} does not count its events one by one", chain=chain)
        return unsigned(chain, self.tip, tree, self.last, context.clock.now(), exports)


def begun(chain: str, keys: Keys, context: Context, *, sealing: bool = False) -> Plan[Draft]:
    """What goes on behind the last checkpoint (with `sealing`, the last with exports), or begins with the first event.

    One whose key is not among these is not built upon: then all of the chain is verified, and compared with it. Raises
    TamperError for one that is not what was signed.
    """
    found = yield from latest(chain, context, sealed=sealing)
    for checkpoint in found:
        if checkpoint.key_id in keys.key_ids and not verified(checkpoint, keys):
            raise TamperError(f"Checkpoint {checkpoint.number} of chain {chain!r} is not what was signed", chain=chain)
    last, base = (found[0], found[-1]) if found else (None, None)
    sealed = base if base is not None and base.exports else None
    start = sealed if sealing else last
    resuming = start if start is not None and start.key_id in keys.key_ids else None
    tip, tree = (Tip(), Tree(TREE_ALGORITHM)) if resuming is None else (resuming.tip(), resuming.tree())
    anchors = [anchor_of(known, trusted=known.key_id in keys.key_ids) for known in reversed(found)]
    verification = yield from resumed(chain, tip, tree, anchors, Report(chain), context)
    return Draft(last, sealed, verification)


def drafted(chain: str, keys: Keys, context: Context) -> Plan[Draft]:
    """A chain verified from its last checkpoint on. Raises TamperError unless all is well."""
    draft = yield from begun(chain, keys, context)
    while (yield from draft.verification.page()):
        pass
    yield from draft.settled()
    return draft
