"""View models of household files: rows of lists, counts of grids, errands, one whole file with what is masked in it.

A sensitive value is in a view only when it was opened. No HTTP here; reads names from the store: call it from plain functions.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from server.domain import documents, home_rows, ids, times, visit_forms, visits
from server.domain.grids import township_of
from server.households import files, listing
from server.web import locale
from server.web.names import Names
from sync.couch import Couch

View = dict[str, Any]
# In the order in which a file shows them.
MASKED = {"household": ("contact_phone", "needs"), "member": ("birth_year", "phone", "needs")}


def path_of(grid: str, household: str) -> str:
    """The address of a household's file."""
    return f"/households/{grid}/{quote(household, safe=':')}"


class HomeViews:
    """Makes view models in one language, as of today."""

    def __init__(self, couch: Couch, names: Names, language: str) -> None:
        self._couch = couch
        self._names = names
        self._language = language
        self._today = visits.day_of(datetime.now(UTC))

    def rows(self, found: Sequence[View]) -> list[View]:
        """One row a household: where, who, the last visit and the next."""
        return [
            {
                "path": path_of(row["grid"], row["household"]),
                "household": row["household"],
                "address": row["address"],
                "contact": row["contact"],
                "grid": self._names.grid(row["grid"], self._language),
                "last": {"on": day_of(row["visits"][0]["at"]), "kind": row["visits"][0]["kind"]} if row["visits"] else None,
                "due_on": row["due_on"],
                "standing": visits.standing(row["due_on"], self._today),
            }
            for row in found
        ]

    def grids(self, choices: Sequence[View], counts: Mapping[str, listing.Count], place: str) -> list[View]:
        """Each grid with its counts (None: it has no household file), in the order of their codes."""
        return [
            {
                "name": choice["name"],
                "group": choice["group"],
                "code": choice["code"],
                "url": f"/households?place={place}&grid={choice['code']}",
                "count": counts.get(choice["code"]),
            }
            for choice in choices
        ]

    def errands(self, place: str, found: Sequence[View]) -> list[View]:
        """One entry an errand: what for, for whom, which materials, which case."""
        homes = listing.rows_of(self._couch, township_of(place), {row["household"] for row in found})
        cases = files.cases_of(self._couch, township_of(place), [ids.case_id(row["_id"]) for row in found])
        return [
            {
                "item": row["item"],
                "at": row["at"],
                "grid": self._names.grid(row["grid"], self._language),
                "path": path_of(row["grid"], row["household"]),
                "address": homes.get(row["household"], {}).get("address"),
                "contact": homes.get(row["household"], {}).get("contact"),
                "case": self._case(cases.get(ids.case_id(row["_id"]))),
                **errand_papers(cases.get(ids.case_id(row["_id"]), {}).get("errand") or {}),
            }
            for row in found
        ]

    def file(self, file: files.File) -> View:
        """A whole file; sensitive fields say only whether there is a value."""
        doc = file.household
        people = self._names.people({visit.doc["author"] for visit in file.visits if visit.doc}, self._language)
        return {
            "path": path_of(doc["grid"], doc["_id"]),
            "id": doc["_id"],
            "address": home_rows.address_of(doc),
            "grid": self._names.grid(doc["grid"], self._language),
            "facts": {name: doc.get(name) for name in ("contact_name", "residents_count", "housing", "compound", "remark")},
            "services": [flag_name("service", code, self._language) for code in doc.get("services") or ()],
            "basis": doc["basis"],
            "basis_on": day_of(doc["basis"]["given_at"]),
            "masked": [self.masked(doc, field) for field in MASKED["household"]],
            "members": [self._member(member) for member in file.members],
            "errands": [
                {"item": one["item"], "case": self._case(case)} | errand_papers(one)
                for one in file.errands
                for case in [file.case_of.get(one["_id"])]
            ],
            "visits": [self._visit(visit, people) for visit in file.visits],
            "due_on": self._due_on(file),
        }

    def masked(self, doc: View, field: str, *, is_open: bool = False) -> View:
        """A sensitive field: its value only when it was opened."""
        value = doc.get(field)
        is_empty = value in (None, "", [])
        return {
            "of": doc["_id"],
            "field": field,
            "key": f"{ids.uuid_of(doc['_id'])}-{field}",
            "label": f"field.{doc['type']}.{field}",
            "is_empty": is_empty,
            "is_open": is_open,
            "value": value_text(value, self._language) if is_open and not is_empty else None,
        }

    def _member(self, doc: View) -> View:
        masked = [self.masked(doc, field) for field in MASKED["member"]]
        left_on = day_of(doc["moved_out_at"]) if doc.get("moved_out_at") else None
        return {"id": doc["_id"], "name": doc["name"], "relation": doc.get("relation"), "left_on": left_on, "masked": masked}

    def _visit(self, visit: files.Visit, people: Mapping[str, str]) -> View:
        doc = visit.doc or {}
        return {
            "on": day_of(visit.known["at"]),
            "kind": visit.known["kind"],
            "by": people.get(doc.get("author", "")),
            "findings": doc.get("findings"),
            "answers": self._answers(doc),
            "is_there": visit.doc is not None,
            "next_on": day_of(visit.known["next_at"]) if visit.known["next_at"] else None,
            "on_way": visit.on_way,
            "unwritten": visit.unwritten,
            "cases": [self._case(case) for case in visit.cases],
        }

    def _answers(self, visit: View) -> list[View]:
        """Questions and answers of a visit's form, in words; what no known form asked is left in the record."""
        found = visit_forms.find(visit.get("form") or "")
        said = visit.get("answers") or {}
        if found is None:
            return []
        return [
            {"question": visit_forms.named(one.label)[self._language], "answer": self._answer(one, said[one.key])}
            for one in found[1].questions
            if said.get(one.key) not in (None, "")
        ]

    def _answer(self, question: visit_forms.Question, said: Any) -> str:
        if isinstance(said, bool):
            return locale.text(self._language, "homes.yes" if said else "homes.no")
        options = {code: visit_forms.named(words)[self._language] for code, words in question.options}
        return options.get(said, str(said)) if isinstance(said, str) else str(said)

    def _case(self, case: View | None) -> View | None:
        return {"url": f"/cases/{case['_id']}", "case_no": case["case_no"], "state": case["state"]} if case else None

    def _due_on(self, file: files.File) -> View:
        last = file.visits[0].known if file.visits else None
        next_at = times.from_text(last["next_at"]) if last and last["next_at"] else None
        flags = [*(file.household.get("needs") or ()), *(file.household.get("services") or ())]
        due = visits.due_on(flags, times.from_text(last["at"]) if last else None, next_at)
        return {"on": due, "standing": visits.standing(due, self._today)}


def errand_papers(errand: Mapping[str, Any]) -> View:
    """How an errand stands, what it takes with the pictures of it, who signed; a phone may leave out what is as it begins."""
    materials = [
        {"name": one["name"], "state": one.get("state", "missing"), "photos": list(one.get("photos") or ())}
        for one in errand.get("materials") or ()
    ]
    return {"state": errand.get("state", "open"), "materials": materials, "signature": errand.get("signature")}


def value_text(value: Any, language: str) -> str:
    """A sensitive value in one line: needs by their names."""
    if not isinstance(value, list):
        return str(value)
    return locale.text(language, "event.list_join").join(flag_name("need", str(one), language) for one in value)


def flag_name(kind: str, code: str, language: str) -> str:
    """What a need or service is called; a place's own words are what they are."""
    key = f"{kind}.{code}"
    return locale.text(language, key) if code and locale.has_text(key) else code


def day_of(at: str) -> str:
    """The day (China's) of a document's instant."""
    return visits.day_of(times.from_text(at))


assert all(frozenset(MASKED[type_]) == fields for type_, fields in documents.SENSITIVE.items())
