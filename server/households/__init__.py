"""Household files at a desk: what was superseded, looked at, restored or let go of. Merging is `server/domain/merge.py`."""
