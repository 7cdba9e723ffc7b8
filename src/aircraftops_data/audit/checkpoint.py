"""Checkpoints: what a chain was at some event, signed, so that who can write the table cannot make it anew.

They are numbered, and each has the digest of the one before it: none can be left out, and two that are made at once
cannot both be stored. In an object store they lie at `audit/{chain}/checkpoints/{number:012}.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from aircraftops_data.audit.block import NOTHING_BEFORE, Tip
from aircraftops_data.audit.checking import TREE_ALGORITHM, Anchor
from aircraftops_data.audit.encoding import CHECKPOINT, encode_item
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.model import Name
from aircraftops_data.audit.report import Finding, FindingKind, Report
from aircraftops_data.audit.signing import Signer, Verifier
from aircraftops_data.errors import AircraftOpsDataError, CorruptItemError
from aircraftops_data.model.declarations import PrimaryKey
from aircraftops_data.model.definition import MANAGED_FIELDS
from aircraftops_data.model.entity import Entity, UtcDatetime
from aircraftops_data.model.fields import problems
from aircraftops_data.model.quantities import Count
from aircraftops_data.model.schema import AUDIT_EVENTS
from aircraftops_data.translation.codec import codec_of

JSON = "application/json"


class Keys(Verifier, Protocol):
    """A Verifier that says which keys it knows, as `PublicKeys` does."""

    @property
    def key_ids(self) -> frozenset[str]:
        """The keys that are known."""
        ...


class Export(BaseModel):
    """One file of a sealed export: where it lies, the SHA-256 of its bytes, and which events it is of."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, ser_json_bytes="hex", val_json_bytes="hex"
    )

    key: Name
    sha256: bytes
    first_seq: Count
    last_seq: Count


class Checkpoint(Entity, table=AUDIT_EVENTS, entity_type="audit_checkpoint"):
    """What a chain was when it had `size` events, which were verified, and whose signature says so. Never changed.

    A field that a later version adds is None where it says nothing, or the signatures of this one no longer fit.
    """

    model_config = ConfigDict(ser_json_bytes="hex", val_json_bytes="hex")

    chain: Name
    number: Count
    """From 1, in the order they were made."""
    size: Count
    root: bytes
    """Over the leaves of all events from the first: a tree as in RFC 6962, of SHA-256."""
    frontier: list[bytes]
    """All it takes to go on with that tree."""
    block: Count
    block_hash: bytes
    previous: bytes = NOTHING_BEFORE
    """The digest of the checkpoint before it."""
    exports: list[Export] = []
    """The files that were sealed with it; those before it name their own."""
    issued_at: UtcDatetime
    key_id: Name
    algorithm: Name
    signature: bytes = b""

    primary = PrimaryKey("CHECKPOINTS#{chain}", "CHECKPOINT#{number:12}")

    def signed_bytes(self) -> bytes:
        """What is signed: every field of its own but the signature."""
        fields = codec_of(self.definition()).fields(self)
        return CHECKPOINT + encode_item({name: held for name, held in fields.items() if name != "signature"})

    def digest(self) -> bytes:
        """What the next checkpoint names it by: the SHA-256 of the bytes that were signed."""
        return sha256(self.signed_bytes()).digest()

    def tip(self) -> Tip:
        """Where the chain ended then."""
        return Tip(self.block, self.block_hash, self.size)

    def tree(self) -> Tree:
        """The tree over its events, to go on with. Raises CorruptItemError where the root is not that of the tree."""
        tree = Tree.of(self.size, self.frontier, TREE_ALGORITHM)
        if tree.root() != self.root:
            raise CorruptItemError(f"Checkpoint {self.number} of chain {self.chain!r} has the root of another tree")
        return tree

    @property
    def object_key(self) -> str:
        """Where it lies in an object store."""
        return f"{folder_of(self.chain)}/checkpoints/{self.number:012}.json"


def folder_of(chain: str) -> str:
    """What the keys of all objects of a chain begin with; its name is percent-encoded."""
    # A folder has no place for parts of dots alone.
    name = quote(chain, safe="")
    return f"audit/{name.replace('.', '%2E') if not name.strip('.') else name}"


def unsigned(
    chain: str, tip: Tip, tree: Tree, last: Checkpoint | None, issued_at: UtcDatetime, exports: Sequence[Export] = ()
) -> Checkpoint:
    """The checkpoint that follows the last one, if there is any, at this end of the chain."""
    return Checkpoint(
        chain=chain,
        number=1 if last is None else last.number + 1,
        size=tip.size,
        root=tree.root(),
        frontier=tree.frontier,
        block=tip.number,
        block_hash=tip.hash,
        previous=NOTHING_BEFORE if last is None else last.digest(),
        exports=list(exports),
        issued_at=issued_at,
        key_id="none",
        algorithm="none",
    )


def sign(checkpoint: Checkpoint, signer: Signer) -> Checkpoint:
    """The checkpoint with a signature. Raises what the signer raises."""
    named = checkpoint.model_copy(update={"key_id": signer.key_id, "algorithm": signer.algorithm})
    return named.model_copy(update={"signature": signer.sign(named.signed_bytes())})


def verified(checkpoint: Checkpoint, verifier: Verifier) -> bool:
    """Whether the key it names signed just this."""
    return verifier.verify(checkpoint.key_id, checkpoint.algorithm, checkpoint.signed_bytes(), checkpoint.signature)


def to_json(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as JSON, with its signature; bytes are hexadecimal."""
    return checkpoint.model_dump_json(exclude=set(MANAGED_FIELDS), indent=2).encode()


def from_json(data: bytes) -> Checkpoint:
    """The checkpoint of such JSON. Raises CorruptItemError."""
    try:
        return Checkpoint.model_validate_json(data)
    except ValidationError as error:
        raise CorruptItemError("The JSON is not that of a checkpoint", problems=problems(error)) from None


def anchor_of(checkpoint: Checkpoint, *, trusted: bool) -> Anchor:
    """What it says of the chain."""
    return Anchor(checkpoint.size, checkpoint.root, checkpoint.block, checkpoint.block_hash, trusted)


@dataclass
class Examined:
    """What the checkpoints of a chain are worth, in order: those that may be right, and what they say of the chain."""

    checkpoints: list[Checkpoint] = field(default_factory=list[Checkpoint])
    anchors: list[Anchor] = field(default_factory=list[Anchor])

    @property
    def trusted(self) -> list[Checkpoint]:
        """Those whose signature was verified."""
        both = zip(self.checkpoints, self.anchors, strict=True)
        return [checkpoint for checkpoint, anchor in both if anchor.trusted]


def examine(
    stored: Iterable[Checkpoint], keys: Keys | None, report: Report, outside: Iterable[Checkpoint] = ()
) -> Examined:
    """Check checkpoints against one another, and their signatures where keys are given; what is wrong is in the report.

    `stored` are those of the table; `outside` some or all from where who writes the table cannot write: these show
    that a table was rolled back. Those of unknown keys are compared with the chain all the same.
    """
    examination = _Examination(report, keys)
    known = {checkpoint.number: checkpoint for checkpoint in stored if examination.is_ours(checkpoint)}
    given = {checkpoint.number: checkpoint for checkpoint in outside if examination.is_ours(checkpoint)}
    examination.compare(known, given)
    for _, checkpoint in sorted((known | given).items()):
        examination.take(checkpoint)
    return examination.found


@dataclass
class _Examination:
    report: Report
    keys: Keys | None
    found: Examined = field(default_factory=Examined)
    last: Checkpoint | None = None

    def _add(self, kind: FindingKind, problem: str) -> None:
        self.report.add(Finding(kind, problem))

    def is_ours(self, checkpoint: Checkpoint) -> bool:
        if checkpoint.chain != self.report.chain:
            self._add(FindingKind.FORKED, f"checkpoint {checkpoint.number} says that it is of another chain")
        return checkpoint.chain == self.report.chain

    def compare(self, known: dict[int, Checkpoint], given: dict[int, Checkpoint]) -> None:
        """The table must have what is outside, and have it so."""
        for number, checkpoint in given.items():
            if number not in known:
                self._add(FindingKind.TRUNCATED, f"the table has lost checkpoint {number}")
            elif known[number].digest() != checkpoint.digest():
                self._add(FindingKind.FORKED, f"checkpoint {number} of the table is another than that outside of it")

    def take(self, checkpoint: Checkpoint) -> None:
        """The next by number."""
        self._follows(checkpoint)
        self.last = checkpoint
        trusted = self._is_signed(checkpoint)
        if trusted is None:
            return
        try:
            checkpoint.tree()
        except AircraftOpsDataError as error:
            self._add(FindingKind.ALTERED, error.message)
            return
        self.found.checkpoints.append(checkpoint)
        self.found.anchors.append(anchor_of(checkpoint, trusted=trusted))

    def _follows(self, checkpoint: Checkpoint) -> None:
        number, last = (0, NOTHING_BEFORE) if self.last is None else (self.last.number, self.last.digest())
        if checkpoint.number != number + 1:
            self._add(FindingKind.MISSING, f"the checkpoints from {number + 1} to {checkpoint.number - 1} are missing")
        elif checkpoint.previous != last or (self.last is not None and checkpoint.size < self.last.size):
            self._add(FindingKind.FORKED, f"checkpoint {checkpoint.number} follows another than the one before it")

    def _is_signed(self, checkpoint: Checkpoint) -> bool | None:
        """Whether by a key that is known; None where the signature is a wrong one."""
        if self.keys is None or checkpoint.key_id not in self.keys.key_ids:
            told = f"checkpoint {checkpoint.number} is signed with {checkpoint.key_id}, which was not given"
            self._add(FindingKind.UNKNOWN_SIGNER, told)
            return False
        if verified(checkpoint, self.keys):
            return True
        self._add(FindingKind.ALTERED, f"checkpoint {checkpoint.number} is not what was signed")
        return None
