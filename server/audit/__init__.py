"""The access log: who did or saw what, when and why, in `audit-<yyyymm>`; tamper-evident by a chain of seals.

`entries` adds and reads, `sealing` chains what was added, `verifying` finds what was changed, removed or put in, `searching`
finds entries for those who may. What deserves an entry is decided by whoever acts.
"""

from server.audit.entries import digest, note, note_seen, read

__all__ = ["digest", "note", "note_seen", "read"]
