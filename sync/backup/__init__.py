"""Backups of a whole store over CouchDB's HTTP protocol: the same for the embedded node and for CouchDB, while it runs.

`saving` makes one, `restoring` brings it back and proves it; `archive` knows the folder on disk, `source` the store.
Settings, secrets and unfinished uploads are not in the store and so not in a backup.
"""
