"""Trees and proofs are those of RFC 6962: its reference vectors, and its definitions word for word over all sizes."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Sequence
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data.audit.encoding import HASHERS, hasher, leaf_hash_of
from aircraftops_data.audit.merkle import (
    ConsistencyBetween,
    PathTo,
    Tree,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from aircraftops_data.errors import CorruptItemError, InvalidInputError, UnsupportedAlgorithmError

SHA = "sha256"
MOST = 70

# The leaves of the tree that Certificate Transparency's implementations test with, and its hashes by level.
REFERENCE_INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
REFERENCE_LEVELS = (
    (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
        "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
    ),
    (
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    ),
    (
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    ("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",),
)
REFERENCE_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Index, size, and the path as (level, place) of the hashes above.
REFERENCE_PATHS = (
    (0, 1, ()),
    (0, 8, ((0, 1), (1, 1), (2, 1))),
    (5, 8, ((0, 4), (1, 3), (2, 0))),
    (2, 3, ((1, 0),)),
    (1, 5, ((0, 0), (1, 1), (0, 4))),
)
# Both sizes and the path.
REFERENCE_CONSISTENCY = (
    (1, 1, ()),
    (1, 8, ((0, 1), (1, 1), (2, 1))),
    (6, 8, ((1, 2), (1, 3), (2, 0))),
    (2, 5, ((1, 1), (0, 4))),
    (6, 7, ((1, 2), (0, 6), (2, 0))),
)
REFERENCE_LEAVES = [leaf_hash_of(bytes.fromhex(text), SHA) for text in REFERENCE_INPUTS]


def named(places: Sequence[tuple[int, int]]) -> list[bytes]:
    """The reference hashes at these places."""
    return [bytes.fromhex(REFERENCE_LEVELS[level][place]) for level, place in places]


def leaves_of(size: int, algorithm: str = SHA) -> list[bytes]:
    """So many leaves, all different."""
    return [leaf_hash_of(b"%d" % index, algorithm) for index in range(size)]


# RFC 6962, section 2.1, as it is written there; D is a tuple of leaf hashes.


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


@lru_cache(None)
def mth(d: tuple[bytes, ...]) -> bytes:
    if len(d) < 2:
        return d[0] if d else hashlib.sha256().digest()
    k = largest_power_below(len(d))
    return node(mth(d[:k]), mth(d[k:]))


def path(m: int, d: tuple[bytes, ...]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = largest_power_below(len(d))
    return [*path(m, d[:k]), mth(d[k:])] if m < k else [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: tuple[bytes, ...]) -> list[bytes]:
    return subproof(m, d, True)


def subproof(m: int, d: tuple[bytes, ...], b: bool) -> list[bytes]:
    if m == len(d):
        return [] if b else [mth(d)]
    k = largest_power_below(len(d))
    return [*subproof(m, d[:k], b), mth(d[k:])] if m <= k else [*subproof(m - k, d[k:], False), mth(d[:k])]


SIZES = range(1, MOST + 1)
D = tuple(leaves_of(MOST))


# Roots


@pytest.mark.parametrize("size", range(9))
def test_the_reference_tree_has_its_roots(size: int) -> None:
    assert root_of(REFERENCE_LEAVES[:size], SHA).hex() == REFERENCE_ROOTS[size]


def test_the_reference_tree_has_its_leaves() -> None:
    assert [leaf.hex() for leaf in REFERENCE_LEAVES] == list(REFERENCE_LEVELS[0])


@pytest.mark.parametrize("algorithm", HASHERS)
def test_an_empty_tree_has_the_hash_of_nothing(algorithm: str) -> None:
    assert root_of([], algorithm) == Tree(algorithm).root() == hasher(algorithm)(b"")


def test_roots_are_as_the_rfc_defines_them() -> None:
    tree = Tree(SHA)
    for size in SIZES:
        tree.add(D[size - 1])
        assert tree.root() == root_of(D[:size], SHA) == mth(D[:size])
        assert tree.size == size


def test_a_tree_goes_on_from_its_frontier_at_any_size() -> None:
    for size in range(MOST + 1):
        frontier = Tree(SHA).extend(D[:size]).frontier
        tree = Tree.of(size, frontier, SHA).extend(D[size:])
        assert len(frontier) == size.bit_count()
        assert (tree.size, tree.root()) == (MOST, mth(D))


def test_a_frontier_is_a_copy() -> None:
    tree = Tree(SHA).extend(D)
    kept = tree.frontier
    tree.frontier.clear()
    Tree.of(MOST, kept, SHA).add(D[0])
    assert tree.frontier == kept
    assert tree.root() == mth(D)


@pytest.mark.parametrize(("size", "held"), [(-1, 1), (0, 1), (1, 0), (3, 1), (4, 2), (7, 4)])
def test_a_frontier_of_another_size_is_refused(size: int, held: int) -> None:
    with pytest.raises(CorruptItemError, match=f"{size} leaves has no frontier of {held}"):
        Tree.of(size, D[:held], SHA)


def test_what_is_no_hash_of_the_algorithm_is_in_no_tree() -> None:
    # 31 and 33 bytes beside each other would give the hash of 32 and 32.
    moved = [D[0][:-1], D[0][-1:] + D[1]]
    assert node(*moved) == node(D[0], D[1])
    for leaf in (*moved, b"", leaves_of(1, "sha512")[0]):
        with pytest.raises(CorruptItemError, match=f"{len(leaf)} bytes, not 32"):
            root_of([leaf], SHA)
        with pytest.raises(CorruptItemError):
            Tree.of(1, [leaf], SHA)
        with pytest.raises(CorruptItemError):
            PathTo(1, 2, SHA).add(leaf)


# Proofs


@pytest.mark.parametrize(("index", "size", "places"), REFERENCE_PATHS)
def test_the_reference_tree_has_its_paths(index: int, size: int, places: Sequence[tuple[int, int]]) -> None:
    made = PathTo(index, size, SHA).extend(REFERENCE_LEAVES[:size]).path
    assert made == named(places)
    assert verify_inclusion(REFERENCE_LEAVES[index], index, size, made, bytes.fromhex(REFERENCE_ROOTS[size]), SHA)


@pytest.mark.parametrize(("m", "n", "places"), REFERENCE_CONSISTENCY)
def test_the_reference_tree_has_its_consistency_proofs(m: int, n: int, places: Sequence[tuple[int, int]]) -> None:
    made = ConsistencyBetween(m, n, SHA).extend(REFERENCE_LEAVES[:n]).path
    assert made == named(places)
    assert verify_consistency(m, bytes.fromhex(REFERENCE_ROOTS[m]), n, bytes.fromhex(REFERENCE_ROOTS[n]), made, SHA)


def test_paths_to_all_leaves_of_all_sizes_are_as_the_rfc_defines_them() -> None:
    for size in SIZES:
        for index in range(size):
            made = PathTo(index, size, SHA).extend(D[:size]).path
            assert made == path(index, D[:size])
            assert verify_inclusion(D[index], index, size, made, mth(D[:size]), SHA)


def test_consistency_proofs_between_all_sizes_are_as_the_rfc_defines_them() -> None:
    for n in SIZES:
        for m in range(1, n + 1):
            made = ConsistencyBetween(m, n, SHA).extend(D[:n]).path
            assert made == proof(m, D[:n])
            assert verify_consistency(m, mth(D[:m]), n, mth(D[:n]), made, SHA)


@pytest.mark.parametrize("algorithm", HASHERS)
def test_every_algorithm_has_its_proofs(algorithm: str) -> None:
    leaves = leaves_of(7, algorithm)
    made = PathTo(4, 7, algorithm).extend(leaves).path
    assert verify_inclusion(leaves[4], 4, 7, made, root_of(leaves, algorithm), algorithm)
    between = ConsistencyBetween(3, 7, algorithm).extend(leaves).path
    assert verify_consistency(3, root_of(leaves[:3], algorithm), 7, root_of(leaves, algorithm), between, algorithm)


def test_a_proof_is_made_in_memory_that_does_not_grow_with_the_tree() -> None:
    size = 20_000
    tracemalloc.start()
    try:
        made = PathTo(12_345, size, SHA).extend(leaf_hash_of(b"%d" % index, SHA) for index in range(size)).path
        between = ConsistencyBetween(12_345, size, SHA)
        between.extend(leaf_hash_of(b"%d" % index, SHA) for index in range(size))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(made) == 15
    # The leaves alone would take twenty times as much.
    assert most < size * 65 / 20


@pytest.mark.parametrize("fed", [0, 1, 6])
def test_a_proof_is_not_there_before_the_last_leaf(fed: int) -> None:
    for making in (PathTo(2, 7, SHA), ConsistencyBetween(3, 7, SHA), ConsistencyBetween(0, 7, SHA)):
        making.extend(D[:fed])
        with pytest.raises(InvalidInputError, match=f"7 leaves; it was given {fed}"):
            making.path


def test_a_proof_takes_no_leaf_after_the_last() -> None:
    for making in (PathTo(2, 7, SHA), ConsistencyBetween(3, 7, SHA), ConsistencyBetween(7, 7, SHA)):
        with pytest.raises(InvalidInputError, match="one more"):
            making.extend(D[:8])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (8, 7)])
def test_there_is_no_path_to_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(InvalidInputError, match=f"has no leaf {index}"):
        PathTo(index, size, SHA)
    assert not verify_inclusion(D[0], index, size, [], D[0], SHA)


@pytest.mark.parametrize(("m", "n"), [(1, 0), (-1, 1), (8, 7)])
def test_a_smaller_tree_does_not_begin_with_a_larger(m: int, n: int) -> None:
    with pytest.raises(InvalidInputError, match=f"does not begin with one of {m}"):
        ConsistencyBetween(m, n, SHA)
    assert not verify_consistency(m, D[0], n, D[0], [], SHA)


def test_every_tree_begins_with_the_empty_one_whose_root_is_known() -> None:
    empty = root_of([], SHA)
    assert ConsistencyBetween(0, 3, SHA).extend(D[:3]).path == []
    assert verify_consistency(0, empty, 3, mth(D[:3]), [], SHA)
    assert verify_consistency(0, empty, 0, empty, [], SHA)
    assert not verify_consistency(0, D[0], 3, mth(D[:3]), [], SHA)
    assert not verify_consistency(0, empty, 0, D[0], [], SHA)
    assert not verify_consistency(0, empty, 3, mth(D[:3]), [D[0]], SHA)


def test_a_tree_is_consistent_with_itself_alone() -> None:
    root = mth(D[:5])
    assert verify_consistency(5, root, 5, root, [], SHA)
    assert not verify_consistency(5, root, 5, mth(D[:6]), [], SHA)
    assert not verify_consistency(5, root, 5, root, [root], SHA)


# Proofs that were changed


def _spoiled(made: list[bytes], place: int, other: bytes) -> list[list[bytes]]:
    """A path with one hash changed, replaced, repeated, missing, cut short, and with more at either end."""
    longer = [[*made, other], [other, *made], [*made, b""], [b"", *made]]
    if not made:
        return longer
    at = place % len(made)
    whole = made[at]
    instead = ([_flipped(whole)], [other], [whole, whole], [], [whole[:-1]])
    return [*longer, *([*made[:at], *hashes, *made[at + 1 :]] for hashes in instead)]


def _flipped(held: bytes) -> bytes:
    return bytes([held[0] ^ 8]) + held[1:]


PAIRS = st.integers(1, MOST).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))
PLACES = st.integers(0, 10)


@given(PAIRS, PLACES)
def test_a_path_that_was_changed_proves_nothing(pair: tuple[int, int], place: int) -> None:
    index, size = pair
    root, leaf, made = mth(D[:size]), D[index], path(index, D[:size])
    for spoiled in _spoiled(made, place, root):
        assert not verify_inclusion(leaf, index, size, spoiled, root, SHA)
    assert not verify_inclusion(_flipped(leaf), index, size, made, root, SHA)
    assert not verify_inclusion(leaf[:-1], index, size, made, root, SHA)
    assert not verify_inclusion(leaf, index, size, made, _flipped(root), SHA)
    assert not verify_inclusion(leaf, index, size * 2, made, root, SHA)


def test_a_path_longer_than_the_tree_is_high_proves_nothing() -> None:
    assert not verify_inclusion(D[1], 0, 1, [D[0]], node(D[0], D[1]), SHA)
    made = [*proof(3, D[:4]), D[9]]
    assert not verify_consistency(3, node(D[9], mth(D[:3])), 4, node(D[9], mth(D[:4])), made, SHA)


def test_what_is_no_hash_of_the_algorithm_proves_nothing() -> None:
    for held in (b"", b"short", hasher("sha512")(b"")):
        assert not verify_inclusion(held, 0, 1, [], held, SHA)
        assert not verify_consistency(1, held, 1, held, [], SHA)


def test_a_path_proves_one_place_alone() -> None:
    for size in SIZES:
        for index in range(size):
            made, root = path(index, D[:size]), mth(D[:size])
            places = [other for other in range(size) if verify_inclusion(D[index], other, size, made, root, SHA)]
            assert places == [index]


@given(PAIRS.filter(lambda pair: pair[0] > 0), PLACES)
def test_a_consistency_proof_that_was_changed_proves_nothing(pair: tuple[int, int], place: int) -> None:
    m, n = pair
    old, new, made = mth(D[:m]), mth(D[:n]), proof(m, D[:n])
    for spoiled in _spoiled(made, place, new):
        assert not verify_consistency(m, old, n, new, spoiled, SHA)
    assert not verify_consistency(m, old, n, new, [], SHA)
    assert not verify_consistency(m, new, n, old, made, SHA)
    assert not verify_consistency(m, _flipped(old), n, new, made, SHA)
    assert not verify_consistency(m, old, n, _flipped(new), made, SHA)
    assert not verify_consistency(m, old[:-1], n, new, made, SHA)
    assert not verify_consistency(m, old, n * 2, new, made, SHA)


@given(st.integers(1, MOST - 1), st.integers(0, MOST - 1))
def test_a_history_that_was_rewritten_is_not_consistent(m: int, changed: int) -> None:
    index = changed % m
    rewritten = (*D[:index], leaf_hash_of(b"another", SHA), *D[index + 1 :])
    honest = mth(D[:m])
    assert not verify_consistency(m, honest, MOST, mth(rewritten), proof(m, rewritten), SHA)
    assert not verify_consistency(m, honest, MOST, mth(rewritten), proof(m, D), SHA)


def test_an_unknown_algorithm_is_refused() -> None:
    for use in (
        lambda: Tree("md5"),
        lambda: Tree.of(0, [], "md5"),
        lambda: PathTo(0, 1, "md5"),
        lambda: ConsistencyBetween(0, 1, "md5"),
        lambda: verify_inclusion(D[0], 0, 1, [], D[0], "md5"),
        lambda: verify_consistency(1, D[0], 1, D[0], [], "md5"),
    ):
        with pytest.raises(UnsupportedAlgorithmError):
            use()
