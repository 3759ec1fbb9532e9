"""Where refused records and files are kept until a clerk gives them a home or dismisses them (DESIGN §6.3, §6.8).

`keeping` puts things in, `listing` finds them, `adopting` and `dismissing` decide, `photos` takes a record's photos along,
`aging` is the worker's part. Which rules a decision keeps to is `server/domain/adoption.py`; pages are in `server/web/`.
"""

from server.quarantine.entries import Refused
from server.quarantine.keeping import keep, keep_all, keep_file, sender_of

__all__ = ["Refused", "keep", "keep_all", "keep_file", "sender_of"]
