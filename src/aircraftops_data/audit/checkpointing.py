"""Making checkpoints, as plans: nothing is signed that was not verified, from an end that is known to be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aircraftops_data.audit.block import Tip
from aircraftops_data.audit.checking import TREE_ALGORITHM, Links
from aircraftops_data.audit.checkpoint import Checkpoint, Export, Keys, anchor_of, unsigned, verified
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.report import Report
from aircraftops_data.audit.signing import PublicKeys, Signer
from aircraftops_data.audit.verifying import Verification, resumed
from aircraftops_data.core.asking import every, query_reading
from aircraftops_data.core.context import Context
from aircraftops_data.core.reading import chunk
from aircraftops_data.errors import InvalidInputError, TamperError
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Plan


class _Several:
    """What knows all the keys that some know."""

    def __init__(self, *known: Keys) -> None:
        self._known = known
        self.key_ids = frozenset[str]().union(*(keys.key_ids for keys in known))

    def verify(self, key_id: str, algorithm: str, message: bytes, signature: bytes) -> bool:
        return any(keys.verify(key_id, algorithm, message, signature) for keys in self._known)


def keys_of(signer: Signer, others: Keys | None = None) -> Keys:
    """What verifies what this signer signed, if it tells its public key, and what others did. Raises MissingExtraError.

    May ask over the network, where the signer does.
    """
    public_pem = getattr(signer, "public_pem", None)
    own = [] if public_pem is None else [PublicKeys([public_pem()])]
    return _Several(*own, *([] if others is None else [others]))


def stored(chain: str, context: Context) -> Plan[list[Checkpoint]]:
    """The checkpoints of a chain in the table, oldest first, read strongly. About 1 read unit for 8 of them."""
    return every(Checkpoint.primary(chain=chain), context)


def latest(chain: str, context: Context, sealed_by: Keys | None = None) -> Plan[list[Checkpoint]]:
    """The last checkpoint; with keys, those before it too, back to one with exports that is signed with any of these.

    Newest first, read strongly.
    """
    reading = replace(query_reading(Checkpoint.primary(chain=chain), consistent=True), newest_first=True)
    found: list[Checkpoint] = []
    start: Item | None = None
    while True:
        part = yield from chunk(reading, context, start, 1 if sealed_by is None else None)
        for checkpoint in part.found.whole():
            found.append(checkpoint)
            if sealed_by is None or (checkpoint.exports and checkpoint.key_id in sealed_by.key_ids):
                return found
        start = part.next
        if start is None:
            return found


@dataclass
class Draft:
    """A checkpoint to be, while what it is to say is being verified."""

    last: Checkpoint | None
    base: Checkpoint | None
    """What is built upon: the last one if its key is known; for an export, the last of known keys with exports."""
    verification: Verification

    @property
    def report(self) -> Report:
        """What was found so far."""
        return self.verification.report

    @property
    def begin(self) -> Tip:
        """What is behind the base."""
        return Tip() if self.base is None else self.base.tip()

    def links(self, end: Checkpoint) -> Links:
        """What checks the export up to a checkpoint that is to be."""
        tree = Tree(TREE_ALGORITHM) if self.base is None else self.base.tree()
        return Links(Report(end.chain), self.begin, tree, [anchor_of(end, trusted=False)])

    @property
    def nothing_new(self) -> Checkpoint | None:
        """The base, where the chain ends with it."""
        return self.base if self.base is not None and self.base.size == self.tip.size else None

    @property
    def tip(self) -> Tip:
        """Where the chain ends, as far as it was verified."""
        return self.verification.links.tip

    def settled(self) -> Plan[None]:
        """Raises TamperError, which names what was found, unless all is well."""
        yield from self.verification.settle()
        bad, chain = self.report.harmful, self.report.chain
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
    found = yield from latest(chain, context, keys if sealing else None)
    for checkpoint in found:
        if checkpoint.key_id in keys.key_ids and not verified(checkpoint, keys):
            raise TamperError(f"Checkpoint {checkpoint.number} of chain {chain!r} is not what was signed", chain=chain)
    last = found[0] if found else None
    known = [checkpoint for checkpoint in found[-1:] if checkpoint.key_id in keys.key_ids]
    base = next((checkpoint for checkpoint in known if checkpoint.exports or not sealing), None)
    tip, tree = (Tip(), Tree(TREE_ALGORITHM)) if base is None else (base.tip(), base.tree())
    anchors = [anchor_of(known, trusted=known.key_id in keys.key_ids) for known in reversed(found)]
    verification = yield from resumed(chain, tip, tree, anchors, Report(chain), context)
    return Draft(last, base, verification)


def drafted(chain: str, keys: Keys, context: Context) -> Plan[Draft]:
    """A chain verified from its last checkpoint on. Raises TamperError unless all is well."""
    draft = yield from begun(chain, keys, context)
    while (yield from draft.verification.page()):
        pass
    yield from draft.settled()
    return draft
