"""The rescue of what a phone could not send: its sealed file, the keys for that, and the way into quarantine (README.md)."""
