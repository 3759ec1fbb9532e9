"""The rules of the field as data and pure functions: documents, codes, moves, rights.

Standard library and msgspec only. No I/O, no clock, no settings: what time it is, who asks and what is stored come in as
arguments. Whatever touches a database or a request belongs to `server/cases`, `server/people` or `server/web`.
"""
