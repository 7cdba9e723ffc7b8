"""Merkle trees over leaf hashes in the shape of RFC 6962, with proofs made and checked as RFC 9162 says.

A tree of one leaf is that leaf; a larger one is the hash of the tree of its first 2^k leaves, the most that leave one,
and of the tree of the rest. Leaves are hashes already, and counted from 0. Sources: RFC 6962, section 2.1; RFC 9162,
sections 2.1.3 and 2.1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from aircraftops_data.audit.encoding import NODE, hasher
from aircraftops_data.errors import CorruptItemError, InvalidInputError


def root_of(leaves: Iterable[bytes], algorithm: str) -> bytes:
    """The root over these leaf hashes; of none, the hash of nothing.

    Raises CorruptItemError for a leaf that is no hash of this algorithm, UnsupportedAlgorithmError.
    """
    level, take = list(leaves), hasher(algorithm)
    if _malformed(level, algorithm):
        # Which is wrong, the tree says.
        return Tree(algorithm).extend(level).root()
    while len(level) > 1:
        above = [take(NODE + left + right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = above + level[len(level) & ~1 :]
    return level[0] if level else take(b"")


class Tree:
    """A tree that grows leaf by leaf and holds only its frontier: log2(size) hashes at most."""

    def __init__(self, algorithm: str) -> None:
        self._hash = hasher(algorithm)
        self._length = len(self._hash(b""))
        self._frontier: list[bytes] = []
        self._size = 0

    @classmethod
    def of(cls, size: int, frontier: Iterable[bytes], algorithm: str) -> Self:
        """The tree as it was when it had this size and this frontier. Raises CorruptItemError where they do not fit."""
        tree = cls(algorithm)
        tree._size, tree._frontier = size, [tree._checked(held) for held in frontier]
        if size < 0 or size.bit_count() != len(tree._frontier):
            raise CorruptItemError(f"A tree of {size} leaves has no frontier of {len(tree._frontier)} hashes")
        return tree

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self._size

    @property
    def frontier(self) -> list[bytes]:
        """The roots of the full trees it is made of, the largest first: all it takes to go on from here."""
        return list(self._frontier)

    def add(self, leaf: bytes) -> None:
        """One more leaf, the last. Raises CorruptItemError where it is no hash of the tree's algorithm."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Self:
        """More leaves, in order; the tree itself, for what is asked of it next."""
        take, frontier, length = self._hash, self._frontier, self._length
        for leaf in leaves:
            full, size = leaf if len(leaf) == length else self._checked(leaf), self._size
            while size & 1:
                full = take(NODE + frontier.pop() + full)
                size >>= 1
            frontier.append(full)
            self._size += 1
        return self

    def root(self) -> bytes:
        """The root over the leaves so far; of none, the hash of nothing."""
        if not self._frontier:
            return self._hash(b"")
        *lefts, root = self._frontier
        for left in reversed(lefts):
            root = self._hash(NODE + left + root)
        return root

    def _checked(self, held: bytes) -> bytes:
        # Of a hash cut short and one made longer by that much, the hash above them would be the same.
        if len(held) != self._length:
            raise CorruptItemError(f"A hash in a tree has {len(held)} bytes, not {self._length}")
        return held


# Proofs


class _Path:
    """The roots over parts of a tree that lie one beside another, from one pass over the leaves of the whole."""

    def __init__(self, parts: Sequence[range], size: int, algorithm: str) -> None:
        self._parts = parts
        self._ahead = sorted(parts, key=lambda part: part.start, reverse=True)
        self._roots: dict[range, bytes] = {}
        self._size = size
        self._algorithm = algorithm
        self._fed = 0
        self._tree = Tree(algorithm)

    def add(self, leaf: bytes) -> None:
        """The next leaf of the tree, from the first on. Raises InvalidInputError after the last, CorruptItemError."""
        if self._fed == self._size:
            raise InvalidInputError(f"The proof is in a tree of {self._size} leaves; it was given one more")
        if self._ahead and self._fed in self._ahead[-1]:
            self._tree.add(leaf)
        self._fed += 1
        if self._ahead and self._fed == self._ahead[-1].stop:
            self._roots[self._ahead.pop()] = self._tree.root()
            self._tree = Tree(self._algorithm)

    def extend(self, leaves: Iterable[bytes]) -> Self:
        """The next leaves, in order; the path itself, for what is asked of it next."""
        for leaf in leaves:
            self.add(leaf)
        return self

    @property
    def path(self) -> list[bytes]:
        """The hashes of the proof, in the order of the RFC. Raises InvalidInputError before the last leaf was given."""
        if self._fed < self._size:
            raise InvalidInputError(f"The proof is in a tree of {self._size} leaves; it was given {self._fed}")
        return [self._roots[part] for part in self._parts]


class PathTo(_Path):
    """Makes the proof that a leaf is in a tree: feed it all leaves of the tree, in order; memory is log2(size).

    Raises InvalidInputError where the tree has no such leaf, UnsupportedAlgorithmError.
    """

    def __init__(self, index: int, size: int, algorithm: str) -> None:
        if not 0 <= index < size:
            raise InvalidInputError(f"A tree of {size} leaves has no leaf {index}")
        super().__init__(_beside(index, range(size)), size, algorithm)


class ConsistencyBetween(_Path):
    """Makes the proof that a tree of n leaves begins with that of m: feed it all n leaves, in order.

    Raises InvalidInputError unless 0 <= m <= n, UnsupportedAlgorithmError. An empty tree begins every other.
    """

    def __init__(self, m: int, n: int, algorithm: str) -> None:
        if not 0 <= m <= n:
            raise InvalidInputError(f"A tree of {n} leaves does not begin with one of {m}")
        super().__init__(_between(m, range(n)) if m else [], n, algorithm)


def _split(leaves: range) -> tuple[range, range]:
    """A tree's leaves as those of its left and its right subtree."""
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return leaves[:left], leaves[left:]


def _beside(index: int, leaves: range) -> list[range]:
    """PATH of RFC 6962: the subtrees beside the way from a leaf up to the root."""
    if len(leaves) == 1:
        return []
    left, right = _split(leaves)
    return [*_beside(index, left), right] if index in left else [*_beside(index, right), left]


def _between(m: int, leaves: range) -> list[range]:
    """PROOF of RFC 6962: the subtrees that the tree of the first m leaves and the whole are both made of."""
    if leaves.stop == m:
        # The verifier has the root of the first m leaves already.
        return [] if leaves.start == 0 else [leaves]
    left, right = _split(leaves)
    return [*_between(m, left), right] if m <= left.stop else [*_between(m, right), left]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes, algorithm: str) -> bool:
    """Whether this path shows that the tree with this root has this leaf there. Raises UnsupportedAlgorithmError."""
    take = hasher(algorithm)
    if not 0 <= index < size or _malformed([leaf, *path], algorithm):
        return False
    at, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = take(NODE + beside + found)
            at, last = _up_from_right(at, last)
        else:
            found = take(NODE + found + beside)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(m: int, root_m: bytes, n: int, root_n: bytes, path: Sequence[bytes], algorithm: str) -> bool:
    """Whether this path shows that the tree of n leaves begins with that of m. Raises UnsupportedAlgorithmError.

    Every tree begins with the empty one, whose root is the hash of nothing, and with itself; neither takes a path.
    """
    if not 0 <= m <= n or _malformed([root_m, root_n, *path], algorithm):
        return False
    if m == 0:
        return not path and root_m == hasher(algorithm)(b"") and (n > 0 or root_n == root_m)
    if m == n:
        return not path and root_n == root_m
    return bool(path) and _leads_to_both(m, root_m, n, root_n, path, algorithm)


def _leads_to_both(m: int, root_m: bytes, n: int, root_n: bytes, path: Sequence[bytes], algorithm: str) -> bool:
    """The steps of RFC 9162, section 2.1.4.2, for 0 < m < n."""
    take = hasher(algorithm)
    at, last = m - 1, n - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first, *rest = path if at else [root_m, *path]
    old = new = first
    for beside in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = take(NODE + beside + old), take(NODE + beside + new)
            at, last = _up_from_right(at, last)
        else:
            new = take(NODE + new + beside)
        at, last = at >> 1, last >> 1
    return last == 0 and old == root_m and new == root_n


def _up_from_right(at: int, last: int) -> tuple[int, int]:
    """Past the levels where the last node has none beside it, and is its own parent."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _malformed(hashes: Iterable[bytes], algorithm: str) -> bool:
    return not {len(hasher(algorithm)(b""))}.issuperset(map(len, hashes))
