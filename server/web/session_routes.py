"""Signing in and out at the desk: the page, its form, and the same as an API. Passwords and limits are `server/people/`."""

from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.domain import permissions
from server.domain.errors import NotSignedIn, TooMany
from server.people import sign_in
from server.web import desks, locale
from server.web.bodies import Form, takes_form, takes_json
from server.web.errors import Answer
from server.web.services import services_of


class Credentials(msgspec.Struct):
    """The body of `POST /api/session`."""

    username: str
    password: str


def address_of(request: Request) -> str:
    """The address a limit is counted for; behind a proxy uvicorn puts the client's own there."""
    return request.client.host if request.client else "unknown"


def check(request: Request, username: str, password: str) -> permissions.Person:
    """The person with this name and password. Raises NotSignedIn or TooMany."""
    services = services_of(request)
    return sign_in.sign_in(services.couch, services.limits, username.strip(), password, address_of(request))


@takes_json(Credentials)
def start_session(request: Request, credentials: Credentials) -> Response:
    """`POST /api/session`: 204 and a cookie."""
    person = check(request, credentials.username, credentials.password)
    answer = Response(status_code=204)
    services_of(request).sessions.start(request, answer, person)
    return answer


def end_session(request: Request) -> Response:
    """`DELETE /api/session`: 204, also when nobody was signed in."""
    answer = Response(status_code=204)
    services_of(request).sessions.end(request, answer)
    return answer


def sign_in_page(request: Request) -> Response:
    """`GET /`: the sign-in page, or the desk of whoever is signed in and need not say so `again`."""
    next_path, is_again = request.query_params.get("next", ""), bool(request.query_params.get("again"))
    try:
        person = services_of(request).sessions.person_of(request)
    except NotSignedIn:
        return _form(request, next_path)
    if is_again:
        return _form(request, next_path, person["name"], is_again=True)
    answer: Response = RedirectResponse(desks.desk_of(person), 303)
    if request.query_params.get("lang") in locale.LANGUAGES:
        answer.set_cookie(locale.COOKIE, locale.language_of(request), max_age=365 * 86400, samesite="lax")
    return answer


@takes_form
def submit_sign_in(request: Request, form: Form) -> Response:
    """`POST /`: signs in and goes where the person wanted to, or shows the form again with what was wrong."""
    username, next_path = form.get("username", ""), form.get("next", "")
    try:
        person = check(request, username, form.get("password", ""))
    except (NotSignedIn, TooMany) as error:
        return _form(request, next_path, username, error)
    answer = RedirectResponse(next_path if is_own_path(next_path) else desks.desk_of(person), 303)
    services_of(request).sessions.start(request, answer, person)
    return answer


def submit_sign_out(request: Request) -> Response:
    """`POST /sign-out`: ends the session."""
    answer = RedirectResponse("/", 303)
    services_of(request).sessions.end(request, answer)
    return answer


def sign_in_again(path: str) -> Response:
    """To the sign-in page for somebody who is signed in, and on to `path`."""
    return RedirectResponse("/?" + urlencode({"next": path, "again": "1"}), 303)


def is_own_path(path: str) -> bool:
    """True for a path of this site: never an address elsewhere, however it is written."""
    parts = urlsplit(path)
    is_plain = not parts.scheme and not parts.netloc and "\\" not in path and path.isprintable()
    return is_plain and path.startswith("/") and not path.startswith(("//", "/m/", "/api/", "/db/"))


def _why(next_path: str, *, is_again: bool) -> str | None:
    """Which words say why to sign in: officers come from the phone app, where they have done so."""
    if is_again:
        return "again"
    return "requests" if next_path.partition("?")[0].split("/")[:2] == ["", "requests"] else None


def _form(
    request: Request, next_path: str, username: str = "", error: Exception | None = None, *, is_again: bool = False
) -> Response:
    answer = Answer(error) if error is not None else None
    data: dict[str, Any] = {
        "username": username[:64],
        "next": next_path if is_own_path(next_path) else "",
        "why": _why(next_path, is_again=is_again),
        "message": answer.text(locale.language_of(request)) if answer else None,
        "is_demo": services_of(request).settings.demo,
    }
    status = answer.status if answer else 200
    headers = answer.headers() if answer else {}
    headers.pop("WWW-Authenticate", None)
    return services_of(request).pages.show(request, "sign_in.html", data, status=status, headers=headers)
