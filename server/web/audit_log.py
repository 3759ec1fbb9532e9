"""The access log at the desk: searched by those who may, exported with a purpose. Reading it is logged like any other reading.

Administrators read all of it, triage its townships', districts their own (`server/domain/permissions.audit_scopes`). Finding is
`server/audit/searching.py`.
"""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from server import audit
from server.audit import sealing, searching
from server.domain import permissions
from server.domain.errors import InvalidInput, Missing
from server.domain.permissions import Person
from server.lists import sheets
from server.web import desks, locale, moments
from server.web.bodies import Form, takes_form
from server.web.pages import wants_fragment
from server.web.services import services_of
from sync import databases

LIMIT, EXPORT_MOST, MONTHS_SHOWN = 50, 10_000, 36
TEXT_MOST = 200
TABLES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
Data = dict[str, Any]


def show_log(request: Request) -> Response:
    """`GET /audit?scope=&month=&by=&subject=&action=&cursor=`: entries, newest first; to htmx the rows that follow."""
    services, asked = services_of(request), request.query_params
    person, scope, month, wanted = _read(request, asked)
    _log(request, person, scope, month, wanted, "audit.read")
    page = searching.page(services.couch, month, scope, wanted, LIMIT, asked.get("cursor") or None)
    kept = {"scope": scope, "month": month} | {name: value for name, value in wanted._asdict().items() if value}
    data: Data = {
        "rows": _rows(request, page.entries),
        "more_url": f"/audit?{urlencode(kept | {'cursor': page.next})}" if page.next else None,
    }
    is_more = bool(asked.get("cursor")) and wants_fragment(request)
    if not is_more:
        data |= desks.frame_anywhere(request, person) | _frame(request, person, scope, month, wanted)
    return services.pages.show(request, "audit.html", data, fragment="_audit_rows.html" if is_more else None)


@takes_form
def export_log(request: Request, form: Form) -> Response:
    """`POST /audit/export`: the same entries as a table (`as` csv or xlsx), at most ten thousand, for a stated `purpose`."""
    services, purpose, kind = services_of(request), form.get("purpose", "").strip(), form.get("as", "")
    person, scope, month, wanted = _read(request, form)
    wrong = {} if purpose and len(purpose) <= TEXT_MOST else {"purpose": "required" if not purpose else "too_long"}
    wrong |= {} if kind in TABLES else {"as": "unknown"}
    if wrong:
        raise InvalidInput(wrong)
    _log(request, person, scope, month, wanted, "audit.export", why=purpose)
    entries: list[Data] = []
    cursor: str | None = None
    while len(entries) < EXPORT_MOST:
        page = searching.page(services.couch, month, scope, wanted, searching.LIMIT_MOST, cursor)
        entries += page.entries
        cursor = page.next
        if cursor is None:
            break
    head = sealing.heads(services.couch).get(month, [0, ""])
    table = _table(request, entries[:EXPORT_MOST])
    raw = _as_csv(table) if kind == "csv" else sheets.write([(month, table[0], table[1:])])
    name = quote(f"audit-{month}-{scope if scope != permissions.AUDIT_EVERYWHERE else 'all'}.{kind}")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Audit-Head": str(head[1]), "Cache-Control": "no-store"}
    return Response(raw, media_type=TABLES[kind], headers=headers)


def _read(request: Request, asked: Any) -> tuple[Person, str, str, searching.Wanted]:
    """Who asks for what. Raises Missing for whoever may not, and InvalidInput."""
    person = services_of(request).sessions.person_of(request)
    scopes = permissions.audit_scopes(person)
    scope = asked.get("scope") or (scopes[0] if scopes else "")
    if not permissions.may_read_audit(person, scope):
        raise Missing
    month = asked.get("month") or databases.month_at(datetime.now(UTC))
    fields = {name: str(asked.get(name) or "").strip() for name in ("by", "subject", "action")}
    wrong = {name: "too_long" for name, value in fields.items() if len(value) > TEXT_MOST}
    if wrong or not re.fullmatch(r"\d{6}", month, re.ASCII):
        raise InvalidInput(wrong or {"month": "invalid"})
    return person, scope, month, searching.Wanted(**fields)


def _log(request: Request, person: Person, scope: str, month: str, wanted: searching.Wanted, action: str, why: str = "") -> None:  # noqa: PLR0917
    """Reading is logged: what was looked for, once in ten minutes; an export each time, with its purpose."""
    couch, subject = services_of(request).couch, f"audit:{month}"
    township = scope if len(scope) == 9 else None
    facts = {"scope": scope} | {name: value for name, value in wanted._asdict().items() if value}
    if why:
        audit.note(couch, by=person["name"], action=action, subject=subject, township=township, why=why, facts=facts)
    else:
        asked = "/".join([subject, *facts.values()])
        now = datetime.now(UTC)
        audit.note_seen(couch, by=person["name"], action=action, subject=asked, township=township, facts=facts, now=now)


def _rows(request: Request, entries: list[Data]) -> list[Data]:
    language = locale.language_of(request)
    people = services_of(request).names.people({entry["by"] for entry in entries}, language)
    return [
        {
            "at": entry["at"],
            "by": people.get(entry["by"], entry["by"]),
            "account": entry["by"],
            "action": action_name(entry["action"], language),
            "subject": entry["subject"],
            "case_no": (entry.get("facts") or {}).get("case_no"),
            "url": f"/cases/{quote(entry['subject'], safe=':')}" if entry["subject"].startswith("case:") else None,
            "why": _why(entry, language),
            "township": entry.get("township") or "",
        }
        for entry in entries
    ]


def _why(entry: Data, language: str) -> str:
    """The purpose as it was stated; of an erasure the ground, in words."""
    why, key = str(entry.get("why", "")), f"erasure.basis.{entry.get('why')}"
    return locale.text(language, key) if entry["action"].endswith(".erase") and locale.has_text(key) else why


def action_name(action: str, language: str) -> str:
    """What was done, in words; the code where there are none."""
    key = f"audit.action.{action}"
    return locale.text(language, key) if locale.has_text(key) else action


def _frame(request: Request, person: Person, scope: str, month: str, wanted: searching.Wanted) -> Data:
    services, language = services_of(request), locale.language_of(request)
    months = sorted({*sealing.months_of(services.couch), month}, reverse=True)[:MONTHS_SHOWN]
    names = {permissions.AUDIT_EVERYWHERE: locale.text(language, "audit.everywhere")}
    prefix = "audit.action."
    actions = [key.removeprefix(prefix) for key in locale.CATALOGUES[language] if key.startswith(prefix)]
    return {
        "scopes": [{"code": one, "name": names.get(one) or _place(request, one)} for one in permissions.audit_scopes(person)],
        "months": months,
        "actions": [{"code": one, "name": action_name(one, language)} for one in actions],
        "asked": wanted._asdict() | {"scope": scope, "month": month},
        "head": sealing.heads(services.couch).get(month),
        "is_filtered": any(wanted),
    }


def _place(request: Request, scope: str) -> str:
    language = locale.language_of(request)
    if len(scope) == 9:
        return services_of(request).names.township(scope, language)
    return locale.text(language, "audit.district", code=scope)


def _table(request: Request, entries: list[Data]) -> list[list[str]]:
    language = locale.language_of(request)
    head = [locale.text(language, f"audit.{name}") for name in ("at", "by", "account", "action", "subject", "case_no", "why")]
    rows = _rows(request, entries)
    names = ("by", "account", "action", "subject", "case_no", "why")
    return [head, *([moments.exact(row["at"]), *(str(row[name] or "") for name in names)] for row in rows)]


def _as_csv(table: list[list[str]]) -> bytes:
    """With a byte order mark, for Excel; what begins like a formula is made text."""
    target = io.StringIO()
    rows = [[f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in row] for row in table]
    csv.writer(target).writerows(rows)
    return ("\ufeff" + target.getvalue()).encode()
