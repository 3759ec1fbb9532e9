"""The calendar of working days: what the program knows, what administrators loaded, and what of it counts at this moment.

`current.py` is what clocks ask; `years.py` is what administrators do; `files.py` reads what they upload or paste.
"""
