"""The clerk's page for rescue files: choose one, see how far it is, and what came in. Into quarantine and nowhere else.

What a file is and how it is taken in is `server/rescue/`. A browser with scripts is told the progress as events and gets the
result as the last of them; one without gets the page when all is done.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, BinaryIO

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import DomainError, Forbidden, InvalidInput
from server.domain.permissions import Person, has_refused_desk
from server.rescue import importing
from server.rescue.importing import Survey
from server.web import desks, locale, streams
from server.web.bodies import read_files
from server.web.errors import Answer
from server.web.quarantine_api import person_of
from server.web.services import services_of
from sync.errors import StoreError

FILE_BYTES = 4 << 30
PARTS_OF_PROGRESS = 100
PROBLEMS = ("not_a_rescue_file", "foreign_key", "unknown_device", "damaged", "none_chosen")
Data = dict[str, Any]


def show_form(request: Request) -> Response:
    """`GET /rescue`."""
    return _page(request, clerk_of(request), {})


async def take_file(request: Request) -> Response:
    """`POST /rescue` with the file: the page with what came in (422 with what is wrong), or the same as events."""
    person = await run_in_threadpool(clerk_of, request)
    form = await read_files(request, most_files=1, most_bytes=FILE_BYTES)
    if "text/event-stream" in request.headers.get("accept", ""):
        return streams.stream(_events(request, person, form))
    try:
        data = await run_in_threadpool(_run, request, person, form)
    finally:
        await form.close()
    return await run_in_threadpool(_page, request, person, data)


def clerk_of(request: Request) -> Person:
    """Who asks, if they look after what was refused. Raises Forbidden."""
    person = person_of(request)
    if not has_refused_desk(person):
        raise Forbidden
    return person


async def _events(request: Request, person: Person, form: FormData) -> AsyncIterator[bytes]:
    try:
        async for event in iterate_in_threadpool(_steps(request, person, form)):
            yield event
    finally:
        await form.close()


def _steps(request: Request, person: Person, form: FormData) -> Iterator[bytes]:
    told, found = -1, Survey()
    try:
        file, size_bytes = _file_of(form)
        for done_bytes in _take_in(request, person, file, form, found):
            share = done_bytes * PARTS_OF_PROGRESS // max(1, size_bytes)
            if share > told:
                told = share
                yield streams.event({"percent": share})
        data = _result(request, found)
    except (DomainError, StoreError) as error:
        data = _problem(request, error, found)
    shown = services_of(request).pages.show(request, "_rescue_result.html", data | _list(request, person))
    yield streams.event({"html": bytes(shown.body).decode()})


def _run(request: Request, person: Person, form: FormData) -> Data:
    found = Survey()
    try:
        for _ in _take_in(request, person, _file_of(form)[0], form, found):
            pass
        return _result(request, found)
    except InvalidInput as error:
        return _problem(request, error, found)


def _take_in(request: Request, person: Person, file: BinaryIO, form: FormData, found: Survey) -> Iterator[int]:
    """All of it, or when asked to as far as it is whole. `found` is filled; raises `damaged` when that was not asked for."""
    couch, key = services_of(request).couch, services_of(request).seal_key
    read = importing.survey(file, key)
    found.parts, found.whole_bytes, found.problem = read.parts, read.whole_bytes, read.problem
    if found.problem and form.get("partial") != "1":
        raise InvalidInput({"file": found.problem})
    yield from importing.take_in(couch, file, key, person, found)
    services_of(request).badge.forget()


def _file_of(form: FormData) -> tuple[BinaryIO, int]:
    given = form.get("file")
    if not isinstance(given, UploadFile) or not given.filename:
        raise InvalidInput({"file": "none_chosen"})
    return given.file, given.size or 0


def _page(request: Request, person: Person, data: Data) -> Response:
    services = services_of(request)
    frame = desks.frame_of(request, person, _township_of(person))
    status = 422 if data.get("problem") else 200
    empty: Data = {"problem": "", "parts": [], "whole": None, "is_partial": False}
    return services.pages.show(request, "rescue.html", frame | empty | _list(request, person) | data, status=status)


def _township_of(person: Person) -> str:
    return next(iter(sorted(person.get("townships", ()))), "")


def _list(request: Request, person: Person) -> Data:
    """Where what came in is decided about."""
    badge = services_of(request).badge.of(person, _township_of(person))
    return {"list_url": badge["url"] if badge else "/quarantine"}


def _result(request: Request, found: Survey) -> Data:
    language = locale.language_of(request)
    people = services_of(request).names.people({part.user for part in found.parts}, language)
    parts = [{**vars(part), "name": people.get(part.user, part.user)} for part in found.parts]
    return {"parts": parts, "problem": "", "whole": None, "is_partial": found.problem is not None}


def _problem(request: Request, error: Exception, found: Survey) -> Data:
    """Why nothing was taken in, and what could be when a file breaks off."""
    code = error.fields.get("file", "") if isinstance(error, InvalidInput) else ""
    language = locale.language_of(request)
    said = locale.text(language, f"rescue.problem.{code}") if code in PROBLEMS else Answer(error).text(language)
    whole = {"records": sum(part.records for part in found.parts), "files": sum(part.files for part in found.parts)}
    return {"parts": [], "problem": said, "whole": whole if found.parts else None, "is_partial": False}
