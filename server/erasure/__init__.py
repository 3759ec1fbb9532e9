"""Erasing one person's data wherever it lies, for ever (DESIGN §10). README.md says how; rules: `server/domain/erasure.py`."""
