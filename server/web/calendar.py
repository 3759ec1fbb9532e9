"""The calendar of working days at the desk, for administrators: which years are known, loading one, going back, hours of work.

The use cases are `server/calendars/`; that open cases get other dates by it is the worker's (`worker/recalculation.py`).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.calendars import current, files, years
from server.calendars.years import RowsRefused, Year
from server.domain import calendar_years, permissions, worktime
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.permissions import Person
from server.web import desks, locale
from server.web.bodies import Form, Upload, takes_form, takes_upload
from server.web.services import services_of

FORM_ROOM = 64 * 1024
DONE = ("loaded", "back", "hours")
ERRORS_SHOWN = 50
Data = dict[str, Any]


def show_calendar(request: Request) -> Response:
    """`GET /calendar`: every year with what is known of it, and the forms that change it."""
    return _page(request, _keeper(request))


@takes_upload(files.FILE_BYTES + FORM_ROOM)
def load_year(request: Request, form: Form, upload: Upload | None) -> Response:
    """`POST /calendar/{year}`: loads the pasted `text` or the file; 422 with every unusable row, 409 when somebody was first."""
    person, year, couch = _keeper(request), int(request.path_params["year"]), services_of(request).couch
    typed = form.get("text", "")
    try:
        rows = files.read_file(upload.content) if upload else files.read_text(typed)
        years.load(couch, person["name"], year, rows, datetime.now(UTC), seen=_number(form, "seen"))
    except RowsRefused as refused:
        rows_wrong = [{"row": one.row, "code": one.code, "text": one.text} for one in refused.errors[:ERRORS_SHOWN]]
        return _page(request, person, {"wrong_year": year, "wrong": rows_wrong, "typed": typed}, status=422)
    except InvalidInput:
        return _page(request, person, {"wrong_year": year, "problem": "unreadable", "typed": typed}, status=422)
    except Changed:
        return _page(request, person, {"wrong_year": year, "problem": "changed", "typed": typed}, status=409)
    return RedirectResponse(f"/calendar?done=loaded&year={year}", 303)


@takes_form
def go_back(request: Request, form: Form) -> Response:
    """`POST /calendar/{year}/return`: an earlier `version` counts again; 0 is before the year was loaded."""
    person, year = _keeper(request), int(request.path_params["year"])
    try:
        version, seen = _number(form, "version"), _number(form, "seen")
        years.go_back(services_of(request).couch, person["name"], year, version, datetime.now(UTC), seen=seen)
    except Changed:
        return _page(request, person, {"wrong_year": year, "problem": "changed"}, status=409)
    return RedirectResponse(f"/calendar?done=back&year={year}", 303)


@takes_form
def set_hours(request: Request, form: Form) -> Response:
    """`POST /calendar/hours`: the hours of a working day, "09:00-12:00, 14:00-18:00"."""
    person, typed = _keeper(request), form.get("hours", "")[:200]
    try:
        years.set_hours(services_of(request).couch, person["name"], typed, datetime.now(UTC))
    except InvalidInput:
        return _page(request, person, {"hours": typed, "problem": "hours"}, status=422)
    except Changed:
        return _page(request, person, {"problem": "changed"}, status=409)
    return RedirectResponse("/calendar?done=hours", 303)


def _keeper(request: Request) -> Person:
    person = services_of(request).sessions.person_of(request)
    if not permissions.may_keep_calendar(person):
        raise Missing
    return person


def _number(form: Form, name: str) -> int:
    value = form.get(name, "")
    if not value.isdecimal() or len(value) > 6:
        raise InvalidInput({name: "invalid"})
    return int(value)


def _page(request: Request, person: Person, more: Data | None = None, status: int = 200) -> Response:
    services, language = services_of(request), locale.language_of(request)
    calendar = current.current(services.couch).calendar
    done, year = request.query_params.get("done"), request.query_params.get("year", "")
    data = desks.frame_anywhere(request, person) | {
        "years": [_year(one, language) for one in years.overview(services.couch, datetime.now(UTC))],
        "this_year": worktime.day_of(datetime.now(UTC)).year,
        "hours": calendar_years.hours_text(calendar.spans),
        "day_hours": f"{calendar.day_min / 60:g}",
        "done": done if done in DONE and status == 200 else None,
        "done_year": year if year.isdecimal() and len(year) == 4 else "",
        "wrong_year": None,
        "wrong": [],
        "problem": None,
        "typed": "",
    }
    return services.pages.show(request, "calendar.html", data | (more or {}), status=status)


def _year(year: Year, language: str) -> Data:
    return {
        "year": year.year,
        "source": year.source or "unknown",
        "off": [_span_text(span, language) for span in _spans(year.days.off)],
        "off_count": len(year.days.off),
        "extra": [_span_text((day, day), language) for day in map(date.fromisoformat, year.days.extra)],
        "version": year.version,
        "loaded_at": year.loaded_at,
        "earlier": [
            {"version": one["version"], "at": one["loaded_at"], "off": len(one["off"]), "extra": len(one["extra"])}
            for one in reversed(year.earlier)
        ],
    }


def _spans(days: Iterable[str]) -> list[tuple[date, date]]:
    """Days that follow one another, as first and last."""
    spans: list[tuple[date, date]] = []
    for day in map(date.fromisoformat, days):
        if spans and day - spans[-1][1] == timedelta(days=1):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _span_text(span: tuple[date, date], language: str) -> str:
    first, last = span
    months = [locale.text(language, f"calendar.month.{day.month}") for day in span]
    if first == last:
        weekday = locale.text(language, f"calendar.weekday.{first.isoweekday()}")
        return locale.text(language, "calendar.day", month=months[0], day=first.day, weekday=weekday)
    return locale.text(language, "calendar.span", month=months[0], day=first.day, to_month=months[1], to_day=last.day)
