"""The gate between phones and the store: an ASGI app that speaks the few replication endpoints a phone needs (DESIGN §6.3, §7).

It knows the protocol and nothing of our field: who may open what, which document is acceptable and where refused ones are kept
is a `Policy` that the server passes in. The app itself is `app.py`: what only needs these words does not load its HTTP client.
"""

from sync.gateway.policy import Holder, NotAdmitted, Policy, Rejected, Rejection, Rights, Unavailable, Whole

__all__ = [
    "Holder",
    "NotAdmitted",
    "Policy",
    "Rejected",
    "Rejection",
    "Rights",
    "Unavailable",
    "Whole",
]
