"""The words around a statement: labels, dates 年月日, codes as people read them, and how facts share the lines of a form.

Words come from `server/locale/`; facts and their order from `server/domain/papers.py`. No facts are looked up here.
"""

from typing import Any

from babel.dates import format_datetime

from server.domain import papers, times
from server.web import locale
from server.web.moments import BABEL, CHINA

View = dict[str, Any]
# Facts that need a line of their own; two of the others share one.
WIDE = frozenset({"text", "links", "reason", "result", "entry", "supporting", "granted", "address", "authority", "due_at"})
COUNTS = frozenset({"handed_back", "reworks", "urges", "absorbed"})
# What is stated only beside another fact or in the letter's own sentences.
UNLISTED = frozenset({"is_provisional", "addressee"})
LETTERS = frozenset({"return", "refusal", "transfer"})
IN_LETTERS = frozenset({"reason", "authority"})
CODES = {
    "urgency": "urgency",
    "source": "source",
    "state": "state",
    "level": "level",
    "what": "choice.what",
    "outcome": "choice.outcome",
    "kind": "paper.class",
}


def moment(at: str | None, language: str) -> str:
    """`2026年11月27日 10:42`, China's time; unknown is said to be unknown."""
    return _date(at, language, "y年M月d日 HH:mm", "d MMMM y, HH:mm")


def day(at: str | None, language: str) -> str:
    """`2026年11月27日`."""
    return _date(at, language, "y年M月d日", "d MMMM y")


def _date(at: str | None, language: str, chinese: str, english: str) -> str:
    if at is None:
        return locale.text(language, "paper.unknown")
    pattern = chinese if language == "zh-CN" else english
    return str(format_datetime(times.from_text(at).astimezone(CHINA), pattern, locale=BABEL[language]))


def word(language: str, prefix: str, code: str) -> str:
    """What a code is called; the code itself when nobody named it."""
    key = f"{prefix}.{code}"
    return locale.text(language, key) if locale.has_text(key) else code


class Printed:
    """One statement in its own language."""

    def __init__(self, statement: View) -> None:
        self._stated = statement
        self._facts: View = statement["facts"]
        self._language: str = statement["language"]

    def view(self) -> View:
        """All that the page says besides seal and pictures."""
        stated, language = self._stated, self._language
        return {
            "kind": stated["kind"],
            "title": self._text(f"paper.{stated['kind']}.title"),
            "number": stated["number"],
            "case_no": stated["case_no"],
            "issuer": self.party(stated["issuer"]),
            "issued_on": day(stated["issued_at"], language),
            "as_of": moment(stated["issued_at"], language),
            "keeper": self.party(stated["keeper"]),
            "addressee": self._facts.get("addressee"),
            "due": self.fact("due_at") if self._facts.get("due_at") else None,
            "place": self._place(),
            "facts": {name: self.fact(name) for name in self._facts},
            "lines": self.lines(),
            "history": [self._row(n, row) for n, row in enumerate(stated["history"], 1)],
            "history_left_out": stated["history_left_out"],
            "photos": [self._photo(n, one) for n, one in enumerate(stated["photos"], 1)],
        }

    def lines(self) -> list[list[View]]:
        """The form's lines: one wide fact each, or two narrow ones; what a case does not have is left out."""
        found: list[list[View]] = []
        told = UNLISTED | (IN_LETTERS if self._stated["kind"] in LETTERS else frozenset())
        for name in papers.KINDS[self._stated["kind"]].facts:
            if name in told or self._is_empty(name):
                continue
            fact = {"name": name, "label": self._text(f"paper.fact.{name}"), "value": self.fact(name), "is_wide": name in WIDE}
            if not fact["is_wide"] and found and len(found[-1]) == 1 and not found[-1][0]["is_wide"]:
                found[-1].append(fact)
            else:
                found.append([fact])
        return found

    def fact(self, name: str) -> str:
        """One fact in words."""
        value, language = self._facts[name], self._language
        if name == "granted":
            return "\n".join(self._grant(one) for one in value) or self._text("paper.none")
        if name == "links":
            # Numbered: long ones take several lines, and nothing else tells where the next begins.
            return "\n".join([*(f"{n}. {link}" for n, link in enumerate(value, 1)), self._text("paper.links_note")])
        if name.endswith("_at"):
            note = self._text("paper.provisional") if name == "due_at" and self._facts.get("is_provisional") else ""
            return moment(value, language) + note
        if value is None or value == "":
            return self._text("paper.unknown")
        if isinstance(value, list):
            return self._text("paper.comma").join(map(str, value)) or self._text("paper.none")
        if name in CODES:
            return word(language, CODES[name], str(value))
        if name in COUNTS:
            return self._text("paper.times", n=value)
        return self.party(str(value)) if name == "verified_by" else str(value)

    def party(self, name: str) -> str:
        """A party without a name of its own (上报人, 系统) in words."""
        return word(self._language, "paper.party", name)

    def _place(self) -> str:
        """Where it is in one line: community, address; a community alone when nobody wrote an address."""
        parts = [self._facts[name] for name in ("community", "address") if self._facts[name]]
        return self._text("paper.space").join(parts) or self._text("paper.unknown")

    def _is_empty(self, name: str) -> bool:
        value = self._facts.get(name)
        is_told = name in ("captured_at", "address")
        return value in (None, "", [], 0) and not is_told

    def _grant(self, one: View) -> str:
        what = word(self._language, "choice.what", one["what"])
        return f"{moment(one['at'], self._language)} {what}{self._text('paper.colon')}{one['reason']}"

    def _row(self, n: int, row: View) -> View:
        codes = [word(self._language, f"choice.{name}", row[name]) for name in ("outcome", "what", "how") if row[name]]
        to = self._text("paper.history.to", to=row["to"]) if row["to"] else None
        return {
            "n": n,
            "at": moment(row["at"], self._language),
            "what": word(self._language, "event", row["move"]),
            "party": self.party(row["party"]),
            "by": row["by"],
            "said": self._text("paper.colon").join(part for part in (to, *codes, row["said"]) if part),
        }

    def _photo(self, n: int, one: View) -> View:
        return {
            "n": n,
            "id": one["photo"],
            "of": word(self._language, "paper.photo_of", one["of"]),
            "taken_at": moment(one["taken_at"], self._language),
            "received_at": moment(one["received_at"], self._language),
            "sha256": one["sha256"],
            "size_kb": -(-one["size_bytes"] // 1024) if one["size_bytes"] else None,
        }

    def _text(self, key: str, **slots: object) -> str:
        return locale.text(self._language, key, **slots)
