"""The web: routes, one handler module a subject, rendering, live updates, and the one place where errors become responses.

No rules here: they are in `server/domain/`; and no saving: that is `server/cases/`, `server/people/`, `server/photos.py`.
"""
