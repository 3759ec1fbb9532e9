"""Papers of a case at the desk and for programs: choose one, look at it, print it, and verify one by its seal.

What they state and who may make them: `server/papers/`, `server/domain/papers.py`.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from server import audit
from server.cases import moves, reach
from server.domain import papers
from server.domain.errors import Missing
from server.domain.grids import township_of
from server.papers import checking, evidence, making, printing, seal, wording
from server.web import desks, locale
from server.web.case import find_seen
from server.web.devices_api import answer_json
from server.web.services import services_of

View = dict[str, Any]


def show_papers(request: Request) -> Response:
    """`GET /cases/{id}/papers`: which papers the case has, and the one that was chosen as it will be printed."""
    services, language = services_of(request), locale.language_of(request)
    person = services.sessions.person_of(request)
    loaded = find_seen(request, person)
    rows = [
        _row(loaded.case, kind, event, language, number)
        for kind in papers.KINDS
        for event, number in _letters(loaded.case, kind, loaded.events)
        if papers.may_make(person, loaded.case, kind, event)
    ]
    wanted = request.query_params.get("paper")
    data = desks.frame_of(request, person, township_of(loaded.case["grid"])) | {
        "case": loaded.case,
        "category": services.names.category(loaded.case["category"], language),
        "rows": rows,
        "chosen": next((row for row in rows if row["number"] == wanted), None),
    }
    return services.pages.show(request, "papers.html", data)


def show_html(request: Request) -> Response:
    """`GET /api/cases/{id}/papers/{kind}.html?event=&lang=`: the paper as one page that carries all it needs; 200."""
    made, html = _made(request, "html")
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{printing.style_digest()}'; frame-ancestors 'self'"
    headers = {"Content-Security-Policy": f"{policy}; sandbox allow-modals", "X-Frame-Options": "SAMEORIGIN"}
    return Response(html, headers=headers | _headers(made, "html"), media_type="text/html")


def show_pdf(request: Request) -> Response:
    """`GET /api/cases/{id}/papers/{kind}.pdf?event=&lang=`: the paper to print and to keep; 200, 503 while too many are made."""
    made, html = _made(request, "pdf")
    return Response(printing.as_pdf(html), headers=_headers(made, "pdf"), media_type="application/pdf")


def show_seal(request: Request) -> Response:
    """`GET /papers/{seal}`: what was sealed, and whether the case and its photos still agree; for those who may see the case."""
    services, language = services_of(request), locale.language_of(request)
    kept, check = _checked(request)
    person, stated = services.sessions.person_of(request), kept["statement"]
    maker = services.names.people({kept["made_by"]}, language)[kept["made_by"]]
    data = desks.frame_of(request, person, kept["township"]) | {
        "paper": wording.Printed(stated).view(),
        "kept": kept,
        "maker": maker,
        "check": check,
        "groups": seal.groups_of(kept["seal"]),
    }
    return services.pages.show(request, "paper_seal.html", data)


def verify(request: Request) -> Response:
    """`GET /api/papers/{seal}`: `{seal, kind, case, made_by, made_at, statement, agrees, differs, photos, later}`; 200."""
    kept, check = _checked(request)
    named = {name: kept[name] for name in ("seal", "kind", "case", "made_by", "made_at", "statement")}
    found = {"agrees": check.agrees, "is_sealed": check.is_sealed, "differs": check.differs, "photos": check.photos}
    return answer_json(named | found | {"later": check.later})


def _letters(case: View, kind: str, events: list[View]) -> list[tuple[Any, str]]:
    """The papers of a kind there can be now, with their numbers: one of each move, one case file."""
    told = papers.told_by(kind, case, events)
    told = told[:1] if papers.KINDS[kind].move is None else told
    return [(event, papers.number_of(kind, case, event, events)) for event in told]


def _row(case: View, kind: str, event: View, language: str, number: str) -> View:
    asked = {"lang": language} | ({} if papers.KINDS[kind].move is None else {"event": event["_id"]})
    address = f"/api/cases/{case['_id']}/papers/{kind}"
    return {
        "kind": kind,
        "number": number,
        "at": event["at"],
        "html": f"{address}.html?{urlencode(asked)}",
        "pdf": f"{address}.pdf?{urlencode(asked)}",
        "open": f"/cases/{case['_id']}/papers?{urlencode({'paper': number})}",
    }


def _made(request: Request, as_: str) -> tuple[making.Made, str]:
    """The paper that the address asks for, made and logged, as HTML. Raises Missing, Forbidden."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    loaded = find_seen(request, person)
    kind = str(request.path_params["kind"])
    asked = making.Asked(kind, locale.language_of(request), request.query_params.get("event") or None)
    made = making.make(services.couch, services.names, person, loaded, asked, as_=as_, now=datetime.now(UTC))
    pictures = evidence.pictures_of(services.couch, person, loaded.case, printing.photos_printed(made))
    base = services.settings.public_url or str(request.base_url).rstrip("/")
    return made, printing.as_html(made, pictures, f"{base}/papers/{made.seal}")


def _headers(made: making.Made, ending: str) -> dict[str, str]:
    name = f"{made.statement['number']}.{ending}"
    return {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store", "X-Paper-Seal": made.seal}


def _checked(request: Request) -> tuple[View, checking.Check]:
    """The kept paper of the address, compared with its case; the look is logged. Raises Missing for who may not see it."""
    services, value = services_of(request), str(request.path_params["seal"])
    person = services.sessions.person_of(request)
    couch = services.couch
    kept = making.find(couch, reach.townships_of(couch, person), value) if seal.is_seal(value) else None
    if kept is None:
        raise Missing(paper=value)
    loaded = moves.open_case(couch, person, kept["case"])
    township, facts = township_of(loaded.case["grid"]), {"case_no": loaded.case["case_no"], "seal": value}
    audit.note_seen(
        couch,
        by=person["name"],
        action="paper.verify",
        subject=kept["case"],
        township=township,
        facts=facts,
        now=datetime.now(UTC),
    )
    return kept | {"township": township}, checking.check(couch, services.names, kept, loaded)
