"""A made-up month of reports in which it is known which are of the same problem: what `tests/bench/duplicates.py` measures on.

Written from what happens on the street, without a look at how the system compares cases, and importing nothing that does:
`field.py` says what is reported again by whom and what only looks alike, `words.py` how people write, `scenes.py` what their
phones see.
"""
