"""Old notices go: after `server/domain/notices.KEPT`, with the readings and deliveries of their time. The worker's daily care."""

from datetime import datetime

from server.domain import notices, times
from server.notices import store
from sync.couch import Couch

BATCH, BATCHES_MOST = 500, 200


def erase_old(couch: Couch, now: datetime) -> int:
    """Erase what is older; how many documents. What a run leaves is the next day's. Raises the store's errors."""
    count, until = 0, times.to_text(now - notices.KEPT)
    for _ in range(BATCHES_MOST):
        rows = store.view(couch, "ages", endkey=until, limit=BATCH, include_docs=True)
        docs = [row["doc"] for row in rows if row.get("doc")]
        store.write(couch, [{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in docs])
        count += len(docs)
        if len(rows) < BATCH:
            return count
    return count
