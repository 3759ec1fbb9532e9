"""CouchDB's query language ("Mango"): selectors, JSON indexes, `_find`, `_explain`, `_index`.

Selectors also narrow changes feeds. Indexes are views of design documents in the language `query`, so that `views/` builds
and reads them; here is what they mean and which one a query takes. HTTP is in `routes/mango.py`.
"""
