"""`/campaigns`: one task sent to many grids at once, how far the grids are, the answers as a list and as a file."""

import csv
import io
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import audit
from server.cases import campaigns
from server.domain import campaigns as rules
from server.domain import ids, times
from server.domain.errors import InvalidInput, Missing
from server.domain.permissions import Person, has_campaigns
from server.lists import sheets
from server.web import desks, locale
from server.web.bodies import Form, takes_form
from server.web.services import services_of
from sync.databases import cases_db

Data = dict[str, Any]
TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}


def show_campaigns(request: Request) -> Response:
    """`GET /campaigns`: the township's campaigns and the form of a new one."""
    return _list(request, *_township(request))


@takes_form
def send_campaign(request: Request, form: Form) -> Response:
    """`POST /campaigns`: stored and fanned out by the worker; the page again with what is wrong."""
    person, township = _township(request)
    services = services_of(request)
    days = form.get("days", "")
    fields = {
        "text": form.get("text", ""),
        "questions": form.get("questions", ""),
        "grids": _chosen(request, township, form),
        "days": int(days) if days.isascii() and days.isdigit() else None,
    }
    try:
        made = rules.made(township, fields, person["name"], datetime.now(UTC), secrets.token_bytes(10))
    except InvalidInput as error:
        return _list(request, person, township, form, error)
    campaigns.keep(services.couch, made)
    services.nudges.nudge(cases_db(township))
    facts = {"grids": len(made["grids"]), "questions": len(made["form"])}
    audit.note(services.couch, by=person["name"], action="campaign.send", subject=made["_id"], facts=facts)
    return RedirectResponse(f"/campaigns/{made['_id']}", 303)


def show_campaign(request: Request) -> Response:
    """`GET /campaigns/{id}`: how many grids stand where, which ones, and what was answered."""
    person, township = _township(request)
    services, language = services_of(request), locale.language_of(request)
    campaign = campaigns.load(services.couch, township, str(request.path_params["id"]))
    answers = campaigns.answers_of(services.couch, campaign)
    data = desks.frame_of(request, person, township) | {
        "campaign": _shown(campaign, answers),
        "questions": [one["label"] for one in campaign["form"]],
        "grids": [
            {"name": services.names.grid(grid, language), "state": rules.state_of(campaign, own)}
            for grid, own in rules.by_grid(campaign, answers).items()
        ],
        "rows": _rows(request, campaign, answers),
    }
    return services.pages.show(request, "campaign.html", data)


@takes_form
def end_campaign(request: Request, _: Form) -> Response:
    """`POST /campaigns/{id}/end`: nothing more is asked for."""
    person, township = _township(request)
    services, id = services_of(request), str(request.path_params["id"])
    campaigns.end(services.couch, township, id, times.to_text(datetime.now(UTC)))
    services.nudges.nudge(cases_db(township))
    audit.note(services.couch, by=person["name"], action="campaign.end", subject=id, facts={})
    return RedirectResponse(f"/campaigns/{id}", 303)


def download_answers(request: Request) -> Response:
    """`GET /campaigns/{id}/answers.{format}`: grid, when, outcome, answers; no names of people."""
    _, township = _township(request)
    services, language = services_of(request), locale.language_of(request)
    campaign = campaigns.load(services.couch, township, str(request.path_params["id"]))
    kind = str(request.path_params["format"])
    if kind not in TYPES:
        raise Missing(campaign=campaign["_id"])
    rows = _rows(request, campaign, campaigns.answers_of(services.couch, campaign))
    heads = [locale.text(language, f"campaigns.{name}") for name in ("grid", "at", "outcome", "said")]
    heads += [one["label"] for one in campaign["form"]]
    lines = [[row["grid"], row["at"], row["outcome"], row["text"], *row["answers"]] for row in rows]
    content = (
        sheets.write([(locale.text(language, "campaigns.answers"), heads, lines)]) if kind == "xlsx" else _csv([heads, *lines])
    )
    name = quote(f"{campaign['text'][:20]}.{kind}")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return Response(content, media_type=TYPES[kind], headers=headers)


def _csv(lines: list[list[str]]) -> bytes:
    """With a mark at its head, so that Excel reads it as UTF-8; what begins like a formula is kept from being one."""
    target = io.StringIO()
    csv.writer(target).writerows([["'" + cell if cell[:1] in "=+-@\t" and cell else cell for cell in line] for line in lines])
    return target.getvalue().encode("utf-8-sig")


def _township(request: Request) -> tuple[Person, str]:
    person = services_of(request).sessions.person_of(request)
    if not has_campaigns(person):
        raise Missing
    return person, min(person["townships"])


def _chosen(request: Request, township: str, form: Form) -> list[str]:
    """The grids of ticked communities and those written by code."""
    ticked = {name.partition(":")[2] for name in form if name.startswith("community:")}
    known = services_of(request).names.grids(township)
    written = form.get("grids", "").replace(",", " ").replace("，", " ").split()
    return [code for code in known if code[:12] in ticked] + written


def _list(
    request: Request, person: Person, township: str, form: Form | None = None, error: InvalidInput | None = None
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    codes = sorted({code[:12] for code in services.names.grids(township)})
    known = services.names.grids(township)
    found = campaigns.listed(services.couch, township)
    data = desks.frame_of(request, person, township) | {
        "campaigns": [_shown(one, campaigns.answers_of(services.couch, one)) for one in found[:30]],
        "communities": [
            {
                "code": code,
                "name": services.names.community(code + "001", language),
                "count": sum(grid[:12] == code for grid in known),
                "ticked": f"community:{code}" in (form or {}),
            }
            for code in codes
        ],
        "typed": {name: (form or {}).get(name, "") for name in ("text", "questions", "grids")},
        "days": (form or {}).get("days", "7"),
        "wrong": _words(language, error.fields) if error else {},
        "days_most": rules.DAYS_MOST,
    }
    return services.pages.show(request, "campaigns.html", data, status=422 if error else 200)


def _words(language: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with each field of the form, in the form's order."""
    order = ("text", "questions", "grids", "days")
    keys = {name: f"campaigns.wrong.{name}" for name in order if name in fields}
    if fields.get("grids") == "required":
        keys["grids"] = "campaigns.wrong.no_grids"
    return {name: locale.text(language, key, days=rules.DAYS_MOST, length=rules.TEXT_LENGTH) for name, key in keys.items()}


def _shown(campaign: Data, answers: list[Data]) -> Data:
    counts = rules.figures(campaign, answers)
    names = ("text", "due_at", "created_at", "ended_at")
    return {name: campaign[name] for name in names} | {
        "id": campaign["_id"],
        "counts": counts,
        "total": len(campaign["grids"]),
        "done": counts["answered"] + counts["declined"],
    }


def _rows(request: Request, campaign: Data, answers: list[Data]) -> list[Data]:
    names, language = services_of(request).names, locale.language_of(request)
    local = [(times.from_text(one["at"]).astimezone(ids.CHINA)).strftime("%Y-%m-%d %H:%M") for one in answers]
    return [
        {
            "grid": names.grid(one["grid"], language),
            "at": at,
            "outcome": locale.text(language, f"choice.outcome.{one['outcome']}"),
            "text": one["text"],
            "photos": one["photos"],
            "answers": [_said(language, question, one["answers"] or {}) for question in campaign["form"]],
        }
        for at, one in zip(local, answers, strict=True)
    ]


def _said(language: str, question: Data, given: Data) -> str:
    said = str(given.get(question["key"], ""))
    return locale.text(language, f"campaigns.{said}") if question["kind"] == "yes_no" and said in ("yes", "no") else said
