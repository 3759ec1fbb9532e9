"""Load: many phones without screens that speak the real protocol to a whole system, and what the system takes to serve them.

`xunge bench` is its command. It starts a system of its own in a temporary folder, never touches one that people use, and
takes away what it made in a store given by `XUNGE_COUCHDB_URL`. A phone's own storage is not simulated: that is measured in a
browser.
"""
