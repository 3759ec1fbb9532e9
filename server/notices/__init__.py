"""Notices: what happened that somebody should know, told to the parties it concerns. Who reads what is `reading.py`.

notify(couch, to=["unit:water"], what="case.dispatched", subject="case:…", township="640105002", facts={…}, key="event:…")
"""

from server.notices.store import notify, notify_all

__all__ = ["notify", "notify_all"]
