"""Patterns as PCRE writes them, on bytes, in Python's engine."""

import pytest

from sync.embedded.mango.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("[[:alpha:]]+[[:digit:]]", "ab1", "1ab"),
        ("^[^[:space:]]+$", "a-b", "a b"),
        (r"(?<year>\d{4})-(?P=year)", "2026-2026", "2026-2025"),
        (r"(?<=a)b(?<!c)", "ab", "cb"),
        (r"end\z", "the end", "end\n"),
        (r"end\Z", "end\n", "end."),
        (r"a\hb", "a\tb", "a\nb"),
        ("[]a]b", "]b", "cb"),
        ("[^]]x", "ax", "]x"),
        ("[[]x", "[x", "x"),
        (r"[\]]x", "]x", "ax"),
        ("^...$", "中", "中文"),
        ("(?i)ä", "ä", "Ä"),
        ("a++b", "aab", "ac"),
    ],
)
def test_it_fits_what_it_fits_in_pcre(pattern: str, fitting: str, other: str) -> None:
    search = compile_pattern(pattern).search
    assert search(fitting.encode()) is not None
    assert search(other.encode()) is None


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "[[:nope:]]", r"\p{Han}", r"(?R)", "x" * 5000, r"a\Kb", "(a" * 2000])
def test_what_is_no_pattern_or_not_known_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_pattern(pattern)
