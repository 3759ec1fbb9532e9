"""Revision trees: whatever order revisions arrive in, the tree and its winner are those of the plain model."""

from hypothesis import given
from hypothesis import strategies as st

from sync.embedded.trees import Tree, parse_revision, rank

Arrival = tuple[list[str], bool]


@st.composite
def histories(draw: st.DrawFn) -> list[Arrival]:
    """Branches of one document as other nodes would send them: (path newest first, is deleted)."""
    known: list[tuple[list[str], bool]] = [(["1-a"], False)]
    for at in range(draw(st.integers(0, 8))):
        parent, _ = known[draw(st.integers(0, len(known) - 1))]
        generation = len(parent) + 1
        digest = draw(st.sampled_from("abcdef")) + str(at)
        known.append(([f"{generation}-{digest}", *parent], draw(st.booleans())))
    return known


def model_winner(arrivals: list[Arrival]) -> str:
    """The rule in its plainest words: of the leaves, a live one before a deleted one, then the longest, then the highest."""
    parents = {each for path, _ in arrivals for each in path[1:]}
    leaves = [(not is_deleted, rank(path[0]), path[0]) for path, is_deleted in arrivals if path[0] not in parents]
    return max(leaves)[2]


def grow(arrivals: list[Arrival]) -> Tree:
    tree = Tree()
    for key, (path, is_deleted) in enumerate(arrivals, 1):
        tree.merge(path, is_deleted, key)
    return tree


@given(histories(), st.randoms(use_true_random=False))
def test_winner_and_leaves_do_not_depend_on_the_order_of_arrival(arrivals: list[Arrival], random: object) -> None:
    shuffled = arrivals.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = grow(arrivals), grow(shuffled)
    assert one.winner() == other.winner() == model_winner(arrivals)
    assert one.leaves() == other.leaves()
    assert {each: node.parent for each, node in one.nodes.items()} == {each: node.parent for each, node in other.nodes.items()}


@given(histories())
def test_every_revision_keeps_its_whole_history(arrivals: list[Arrival]) -> None:
    tree = grow(arrivals)
    assert [tree.path(path[0]) for path, _ in arrivals] == [path for path, _ in arrivals]


@given(histories())
def test_a_tree_survives_being_written_down(arrivals: list[Arrival]) -> None:
    tree = grow(arrivals)
    again = Tree.decode(tree.encode())
    assert again.nodes == tree.nodes
    assert again.winner() == tree.winner()


@given(histories())
def test_merging_what_is_known_changes_nothing(arrivals: list[Arrival]) -> None:
    tree = grow(arrivals)
    before = tree.encode()
    assert not any(tree.merge(path, not is_deleted, 99) for path, is_deleted in arrivals)
    assert tree.encode() == before


@given(histories(), st.integers(1, 4))
def test_stemming_keeps_leaves_and_at_most_the_limit_below_them(arrivals: list[Arrival], limit: int) -> None:
    tree = grow(arrivals)
    leaves = tree.leaves()
    dropped = tree.stem(limit)
    assert tree.leaves() == leaves
    stems = [tree.path(leaf) for leaf in leaves]
    full = {path[0]: path for path, _ in arrivals}
    assert all(stem[:limit] == full[stem[0]][:limit] for stem in stems)
    assert not set(dropped) & {node.body for node in tree.nodes.values()}


@given(histories())
def test_purging_every_leaf_again_and_again_leaves_nothing(arrivals: list[Arrival]) -> None:
    tree = grow(arrivals)
    keys = {node.body for node in tree.nodes.values() if node.body}
    dropped: set[int] = set()
    while tree.nodes:
        gone, some = tree.purge(tree.leaves())
        assert gone
        dropped |= set(some)
    assert dropped == keys


def test_what_is_no_revision_is_told_apart() -> None:
    assert parse_revision("3-abc") == (3, "abc")
    assert [parse_revision(text) for text in ("", "3", "-a", "0-a", "x-y", "1-", '1-"', None, 5)] == [None] * 9
