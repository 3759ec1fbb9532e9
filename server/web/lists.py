"""The lists at the desk: each searchable as of any day, an entry with all its versions, its change by an administrator, download.

Importing files and the history of changes are `list_changes.py`; the use cases are `server/lists/`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import audit
from server.domain import permissions
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.list_versions import day_of, is_day
from server.domain.permissions import Person
from server.lists import exporting, importing, naming, sheets, store
from server.lists.columns import COLUMNS, TITLES, title_of
from server.lists.rows import Problem
from server.lists.sheets import Row, Sheet
from server.web import desks, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.list_views import PAGE, ListViews
from server.web.services import services_of
from sync.databases import REF

Data = dict[str, Any]
QUERY_LENGTH, REASON_LENGTH = 100, 1000


def show_first(request: Request) -> Response:
    """`GET /lists`: on to the first list."""
    reader_of(request)
    return RedirectResponse(f"/lists/{next(iter(TITLES))}", 303)


def show_list(request: Request) -> Response:
    """`GET /lists/{list}?q=&at=&page=`: the entries in force on a day, today unless told otherwise."""
    person, list_ = reader_of(request), _list_of(request)
    day, today = _day_of(request), day_of(datetime.now(UTC))
    views = views_of(request)
    q = request.query_params.get("q", "").strip()[:QUERY_LENGTH]
    rows = views.table(list_, day, q)
    page = _page_of(request, len(rows))
    data = _frame(request, person, list_) | {
        "tabs": views.tabs(day),
        "headers": views.headers(list_),
        "rows": rows[page * PAGE : (page + 1) * PAGE],
        "total": len(rows),
        "q": q,
        "day": day,
        "is_today": day == today,
        "query": urlencode({"at": day} if day != today else {}),
        "previous_url": _url(list_, q, day, page - 1) if page else None,
        "next_url": _url(list_, q, day, page + 1) if (page + 1) * PAGE < len(rows) else None,
    }
    return services_of(request).pages.show(request, "lists.html", data, fragment="_lists_table.html")


def show_entry(request: Request) -> Response:
    """`GET /lists/{list}/entries/{key}`: all versions of an entry, and for administrators the form that makes the next."""
    person, list_, key = reader_of(request), _list_of(request), str(request.path_params["key"])
    if not store.read(services_of(request).couch).book.history(list_, key):
        raise Missing(entry=key)
    return _entry(request, person, list_, key)


def show_new(request: Request) -> Response:
    """`GET /lists/{list}/new`: the form of an entry that is not there yet."""
    return _entry(request, editor_of(request), _list_of(request), None)


@takes_form
def save_entry(request: Request, form: Form) -> Response:
    """`POST /lists/{list}/entries`: makes an entry's new version; what is wrong is shown beside what was typed."""
    person, list_, couch = editor_of(request), _list_of(request), services_of(request).couch
    language, now = locale.language_of(request), datetime.now(UTC)
    key, reason = form.get("key", "").strip(), form.get("reason", "").strip()[:REASON_LENGTH]
    fields = [column.field for column in COLUMNS[list_]]
    typed = [Row(1, tuple(fields), frozenset()), Row(2, tuple(form.get(field, "") for field in fields), frozenset())]
    try:
        made = importing.plan_sheets(couch, [Sheet(list_, typed)], now, language=language)
        problems = made.problems or ([] if reason else [Problem(list_, 0, "reason", "required", "")])
        if not problems:
            number = importing.apply(couch, person["name"], made, now, kind="entry", reason=reason)
            note(request, person, "lists.change", number, reason)
            services_of(request).nudges.announce([REF])
            return RedirectResponse(f"/lists/{list_}/entries/{quote(key)}?done=saved", 303)
    except (InvalidInput, Changed) as error:
        return _entry(request, person, list_, key, form=form, text=refused(error, language), status=Answer(error).status)
    return _entry(request, person, list_, key, form=form, problems=problems, status=422)


def download(request: Request) -> Response:
    """`GET /lists/download?list=&at=`: the lists of a day as xlsx, one or all."""
    reader_of(request)
    only = request.query_params.get("list")
    if only is not None and only not in TITLES:
        raise Missing
    day, language = _day_of(request), locale.language_of(request)
    couch = services_of(request).couch
    raw = exporting.workbook(couch, day, datetime.now(UTC), language, [only] if only else TITLES)
    name = f"{title_of(only, language) if only else locale.text(language, 'lists.title')}-{day}.xlsx"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
    return Response(raw, media_type=sheets.CONTENT_TYPE, headers=headers)


def reader_of(request: Request) -> Person:
    """Who asks, if the lists are theirs to read. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    if not permissions.may_read_lists(person):
        raise Missing
    return person


def editor_of(request: Request) -> Person:
    """Who asks, if the lists are theirs to change. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    if not permissions.may_edit_lists(person):
        raise Missing
    return person


def views_of(request: Request) -> ListViews:
    """View models of the lists as they are, in the request's language."""
    couch, language = services_of(request).couch, locale.language_of(request)
    book = store.read(couch).book
    return ListViews(book, naming.names_of(couch, book, datetime.now(UTC), language), language)


def refused(error: InvalidInput | Changed, language: str) -> str:
    """Why a change as a whole was not made."""
    key = f"lists.file.{getattr(error, 'fields', {}).get('file', '')}"
    return locale.text(language, key) if locale.has_text(key) else Answer(error).text(language)


def note(request: Request, person: Person, action: str, number: int, why: str) -> None:
    """The access log's entry of a change."""
    audit.note(services_of(request).couch, by=person["name"], action=action, subject=f"change:{number:06d}", why=why)


def makers(request: Request, changes: Iterable[Data]) -> dict[str, str]:
    """What those who made changes are called; the program itself, too."""
    language = locale.language_of(request)
    named = services_of(request).names.people({doc["by"] for doc in changes}, language)
    return {by: locale.text(language, "lists.system") if by.startswith("system:") else name for by, name in named.items()}


def _entry(
    request: Request,
    person: Person,
    list_: str,
    key: str | None,
    *,
    form: Form | None = None,
    problems: list[Problem] | None = None,
    text: str | None = None,
    status: int = 200,
) -> Response:
    services, day, views = services_of(request), day_of(datetime.now(UTC)), views_of(request)
    kept = store.read(services.couch)
    newest = kept.book.newest(list_, key, day) if key else None
    versions = views.versions(list_, key, day, kept.changes) if key else []
    fields = views.form(list_, newest, form) if permissions.may_edit_lists(person) else []
    wrong = {one["field"]: one["reason"] for one in views.problems(problems or [])}
    data = _frame(request, person, list_) | {
        "key": key or "",
        "name": views.name(newest),
        "versions": versions,
        "makers": makers(request, [one["change"] for one in versions if one["change"]]),
        "fields": [field | {"wrong": wrong.get(field["field"])} for field in fields],
        "wrong_reason": wrong.get("reason"),
        "reason": (form or {}).get("reason", ""),
        "text": text,
        "done": request.query_params.get("done") == "saved",
    }
    return services.pages.show(request, "lists_entry.html", data, status=status)


def _frame(request: Request, person: Person, list_: str) -> Data:
    language = locale.language_of(request)
    frame = desks.frame_anywhere(request, person)
    return frame | {"list": list_, "list_name": title_of(list_, language), "may_edit": permissions.may_edit_lists(person)}


def _list_of(request: Request) -> str:
    list_ = str(request.path_params["list"])
    if list_ not in TITLES:
        raise Missing
    return list_


def _day_of(request: Request) -> str:
    asked = request.query_params.get("at", "")
    return asked if is_day(asked) else day_of(datetime.now(UTC))


def _page_of(request: Request, total: int) -> int:
    asked = request.query_params.get("page", "0")
    page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    return min(page, max(0, (total - 1) // PAGE))


def _url(list_: str, q: str, day: str, page: int) -> str:
    return f"/lists/{list_}?{urlencode({'q': q, 'at': day, 'page': page})}"
