"""Who people are, how they sign in, which phones they carry, and what the gateway lets those phones do.

Accounts and devices are documents of the `people` and `devices` databases, which no device ever opens. What a role may do is
`server/domain/permissions.py`; cookies and pages are `server/web/`.
"""
