"""What the case page shows of possible duplicates: each beside the case with what speaks for and against; and what was merged.

Whether two cases are alike is `server/domain/matching.py`; acting on it `twins.py`. Codes and figures become words here.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from server.cases import twins
from server.domain import case_rights, matching, workflow
from server.domain.permissions import Person
from server.web import case_views, locale, moments
from server.web.names import Names
from sync.couch import Couch

REASONS_SHOWN = 8
Case = Mapping[str, Any]
View = dict[str, Any]


def main_of(one: Case, other: Case) -> tuple[Case, Case]:
    """`(main case, duplicate)` of a pair: the one that came first stays, unless the later one has absorbed others already."""
    first, later = sorted((one, other), key=lambda case: (case["received_at"], case["_id"]))
    return (later, first) if later["absorbed"] and not first["absorbed"] else (first, later)


def seen_twins(couch: Couch, person: Person, case: dict[str, Any]) -> list[twins.Proposal]:
    """The proposals of a case that are for this person to know of."""
    return [one for one in twins.proposals_for(couch, case) if case_rights.may_see(person, one.other)]


def panel(couch: Couch, names: Names, language: str, person: Person, case: dict[str, Any]) -> View:
    """The view model of the panel; `rows` empty, `absorbed` empty and `into` None where there is nothing to show."""
    found = seen_twins(couch, person, case)
    rows = case_views.CaseViews(names, language).rows([one.other for one in found])
    people = names.people({one["author"] for one in case["absorbed"]}, language)
    may_judge = case_rights.may_move(person, "merge", case)
    return {
        "rows": [_row(row, one, case, language) for row, one in zip(rows, found, strict=True)],
        "absorbed": [
            {"id": one["case"], "case_no": one.get("case_no", one["case"]), "worker": people.get(one["author"], one["author"])}
            for one in case["absorbed"]
        ],
        "into": case["merged_into"],
        "may_judge": may_judge,
    }


def _row(row: View, proposal: twins.Proposal, case: Case, language: str) -> View:
    main, duplicate = main_of(case, proposal.other)
    reasons = [_reason(reason, language) for reason in proposal.reasons[:REASONS_SHOWN]]
    return row | {
        "address": (proposal.other.get("place") or {}).get("address"),
        "chance": round(100 * matching.chance(proposal.odds)),
        "is_main": main["_id"] == proposal.other["_id"],
        "version": workflow.version_of(duplicate),
        "reasons": reasons,
    }


def _reason(reason: Mapping[str, Any], language: str) -> View:
    figure, code = reason["figure"], reason["code"]
    time = moments.span(timedelta(minutes=figure), language) if code == "time" else ""
    side = "for" if reason["weight"] > 0 else "against" if reason["weight"] < 0 else "neutral"
    return {"side": side, "text": locale.text(language, f"twins.reason.{code}", n=figure, time=time)}
