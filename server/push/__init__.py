"""Web push to phones, a bonus on top of what they ask by themselves: nothing waits for it, and nothing is lost without it.

`keys.py` this server's key, `subscriptions.py` which phones want it and what may be subscribed, `sending.py` one message to one
push service. What is due to whom and when is the notices' (`server/notices/outside.py`, `server/domain/channels.py`).
"""
