"""Writing documents: ordinary edits with conflict check, replicated revisions merged into their trees, purges.

Every function is (part of) a job of the writer: it runs inside a transaction, reads what it needs in a few queries, works
on trees in memory and writes changed rows at the end.
"""

import base64
import hashlib

from sync.embedded.documents import Draft, IncomingAttachment
from sync.embedded.ranks import move_counts
from sync.embedded.refusals import Refusal, conflict
from sync.embedded.rows import (
    Attachment,
    Record,
    digest_body,
    find_bodies,
    find_records,
    read_setting,
    write_attachments,
)
from sync.embedded.trees import Tree, rank
from sync.embedded.waste import Waste
from sync.embedded.writer import Transaction

DEFAULT_REVS_LIMIT = 1000


class Batch:
    """Documents being changed in one transaction; `save` writes them."""

    def __init__(self, transaction: Transaction, ids: list[str]) -> None:
        self._connection = transaction.connection
        self._counter = transaction.counter
        self.records = find_records(transaction.connection, ids)
        self._was = {id_: (record.seq, _is_live(record)) for id_, record in self.records.items()}
        self._limit = int(read_setting(transaction.connection, "revs_limit") or DEFAULT_REVS_LIMIT)
        self._touched: set[str] = set()
        self._bodies: list[tuple[int, bytes, str | None, int]] = []
        self._waste = Waste(transaction.connection)
        for id_, record in self.records.items():
            self._waste.note(id_, record.tree)
        self._atts: dict[int, list[Attachment]] = {}
        self._dropped: list[int] = []
        self._moves: dict[str, int] = {}

    def touch(self, record: Record) -> None:
        """Marks a record as changed."""
        self._dropped += record.tree.stem(self._limit)
        self._touched.add(record.id)
        self.records[record.id] = record

    def add_body(self, doc: bytes, attachments: list[Attachment]) -> int:
        """Keeps the body of a new revision and answers its key."""
        self._counter.body += 1
        atts = write_attachments(attachments)
        self._bodies.append((self._counter.body, doc, atts, digest_body(doc, atts)))
        if attachments:
            self._atts[self._counter.body] = attachments
        return self._counter.body

    def add_blob(self, data: bytes) -> int:
        """Stores the bytes of an attachment and answers their key."""
        self._counter.blob += 1
        self._connection.execute("INSERT INTO blob VALUES(?, ?)", (self._counter.blob, data))
        return self._counter.blob

    def attachments_of(self, key: int) -> list[Attachment]:
        """Attachments of a body, stored or added just now."""
        if key in self._atts:
            return self._atts[key]
        body = find_bodies(self._connection, [key]).get(key)
        return body.attachments if body else []

    def drop_bodies(self, keys: list[int]) -> None:
        """Bodies no revision needs any more."""
        self._dropped += keys

    def save(self) -> None:
        """Writes everything that was touched, in the order of ids, whatever order it was sent in: CouchDB does so."""
        touched = [self.records[id_] for id_ in sorted(self._touched)]
        old = [(self._was[record.id][0],) for record in touched if record.id in self._was]
        if old:
            self._connection.executemany("DELETE FROM doc WHERE seq = ?", old)
        self._connection.executemany("INSERT INTO body VALUES(?, ?, ?, ?)", self._bodies)
        self._connection.executemany("INSERT INTO doc VALUES(?, ?, ?, ?, ?, ?)", [self._row(each) for each in touched])
        move_counts(self._connection, self._moves)
        for record in touched:
            self._waste.count(record.id, record.tree)
        self._counter.waste = max(0, self._counter.waste + self._waste.size_bytes)
        if self._dropped:
            self._connection.executemany("DELETE FROM body WHERE key = ?", [(key,) for key in self._dropped])

    def remove(self, record: Record) -> None:
        """Takes a document away wholly; readers of changes learn it from `purged`."""
        self._connection.execute("DELETE FROM doc WHERE id = ?", (record.id,))
        self._waste.count(record.id, record.tree)
        self._uncount(record.id)
        self._counter.seq += 1
        self._connection.execute("INSERT INTO purged VALUES(?, ?)", (self._counter.seq, record.id))

    def _uncount(self, id_: str) -> None:
        was_live = self._was[id_][1]
        self._counter.live -= was_live
        self._counter.dead -= not was_live
        self._moves[id_] = -1 if was_live else 0

    def _row(self, record: Record) -> tuple[int, str, str, int, int, str | None]:
        counter, tree = self._counter, record.tree
        counter.seq += 1
        winner = tree.winner()
        node = tree.nodes[winner]
        if record.id in self._was:
            self._uncount(record.id)
        counter.live += not node.is_deleted
        counter.dead += node.is_deleted
        self._moves[record.id] = self._moves.get(record.id, 0) + (not node.is_deleted)
        text = tree.encode() if len(tree.nodes) > 1 else None
        return counter.seq, record.id, winner, int(node.is_deleted), node.body, text


def edit(transaction: Transaction, drafts: list[Draft]) -> list[str | Refusal]:
    """Ordinary edits: for each draft, in order, its new revision or the refusal (a conflict)."""
    batch = Batch(transaction, [draft.id for draft in drafts])
    results = [_edit_one(batch, draft) for draft in drafts]
    batch.save()
    return results


def merge(transaction: Transaction, drafts: list[Draft]) -> None:
    """Replicated revisions (`new_edits=false`): merged into the trees, no conflict check; known ones change nothing."""
    batch = Batch(transaction, [draft.id for draft in drafts])
    for draft in drafts:
        record = batch.records.get(draft.id) or Record(draft.id, 0, Tree())
        known = record.tree.nodes.get(draft.path[0])
        if known is not None and known.body:
            body = known.body
        else:
            body = batch.add_body(draft.body, _keep_replicated(batch, record, draft))
        if record.tree.merge(draft.path, draft.is_deleted, body):
            batch.touch(record)
    batch.save()


def purge(transaction: Transaction, wanted: dict[str, list[str]]) -> dict[str, list[str]]:
    """Removes leaves for good. Answers what was purged, per document."""
    batch = Batch(transaction, list(wanted))
    answer: dict[str, list[str]] = {id_: [] for id_ in wanted}
    for id_, record in list(batch.records.items()):
        answer[id_], keys = record.tree.purge(wanted[id_])
        if not answer[id_]:
            continue
        batch.drop_bodies(keys)
        if record.tree.nodes:
            batch.touch(record)
        else:
            batch.remove(record)
    transaction.counter.purge += sum(1 for revisions in answer.values() if revisions)
    batch.save()
    return answer


def digest_bytes(data: bytes) -> str:
    """An attachment's digest as CouchDB writes it."""
    return "md5-" + base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _edit_one(batch: Batch, draft: Draft) -> str | Refusal:
    record = batch.records.get(draft.id)
    parent = draft.parent
    if record is None:
        if parent is not None:
            return conflict()
        record = Record(draft.id, 0, Tree())
    elif parent is None:
        winner = record.tree.winner()
        if draft.is_deleted or not record.tree.nodes[winner].is_deleted:
            return conflict()
        parent = winner  # a document created again continues its tombstone
    elif not record.tree.is_leaf(parent) or record.tree.nodes[parent].is_deleted:
        return conflict()
    generation = rank(parent)[0] + 1 if parent else 1
    kept = batch.attachments_of(record.tree.nodes[parent].body) if parent and draft.attachments else []
    attachments = [_keep_attachment(batch, draft.id, each, kept, generation) for each in draft.attachments]
    revision = f"{generation}-{_hash_edit(draft, parent, attachments)}"
    path = [revision, parent] if parent else [revision]
    known = record.tree.nodes.get(revision)
    record.tree.merge(path, draft.is_deleted, known.body if known else batch.add_body(draft.body, attachments))
    batch.touch(record)
    return revision


def _hash_edit(draft: Draft, parent: str | None, attachments: list[Attachment]) -> str:
    """A function of content and parent, so that the same edit made in two places is the same revision."""
    hasher = hashlib.md5(f"{int(draft.is_deleted)} {parent or ''}\n".encode(), usedforsecurity=False)
    hasher.update(draft.fingerprint)
    for each in sorted(attachments):
        hasher.update(f"\n{each.name}\n{each.content_type}\n{each.digest}".encode())
    return hasher.hexdigest()


def _keep_replicated(batch: Batch, record: Record, draft: Draft) -> list[Attachment]:
    """Attachments of a replicated revision; a stub stands for what its nearest known ancestor has."""
    if not draft.attachments:
        return []
    nodes = record.tree.nodes
    keys = [nodes[each].body for each in draft.path if each in nodes and nodes[each].body]
    kept = batch.attachments_of(keys[0]) if keys else []
    generation = rank(draft.path[0])[0]
    return [_keep_attachment(batch, draft.id, each, kept, each.revpos or generation) for each in draft.attachments]


def _keep_attachment(batch: Batch, id_: str, incoming: IncomingAttachment, kept: list[Attachment], revpos: int) -> Attachment:
    if incoming.data is None:
        for each in kept:
            if each.name == incoming.name:
                return each
        raise Refusal(412, "missing_stub", f"Invalid attachment stub in {id_} for {incoming.name}")
    digest = digest_bytes(incoming.data)
    blob = batch.add_blob(incoming.data)
    return Attachment(incoming.name, incoming.content_type, revpos, digest, len(incoming.data), blob)


def _is_live(record: Record) -> bool:
    return not record.tree.nodes[record.tree.winner()].is_deleted
