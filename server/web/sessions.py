"""Who is asking: the desk's session cookie, or a phone's token. Making and reading the cookie; no passwords here.

The cookie is signed and carries the person's name, when it was made, and a mark of the password, so that a changed password
ends every session. The person behind it is read again at least every five seconds: a disabled account is out at once. What must
not be shown to the next user of a shared phone asks whether the password was given just now (`is_fresh`).
"""

import hashlib
import time
from collections.abc import Callable

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import Missing, NotSignedIn
from server.domain.permissions import Person
from server.settings import Settings

COOKIE = "xunge_session"
LASTS_S = 12 * 3600
FRESH_S = 10 * 60
PERSON_KEPT_S = 5.0
PEOPLE_KEPT = 2000
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


class Sessions:
    """Makes, reads and ends desk sessions. `find_person(name)` raises Missing for an unknown or disabled account."""

    def __init__(self, settings: Settings, find_person: Callable[[str], Person]) -> None:
        self._signer = URLSafeTimedSerializer(settings.secret or "unset", salt="desk-session")
        self._public_url = settings.public_url
        self._find_person = find_person
        self._people: dict[str, tuple[float, Person]] = {}

    def start(self, request: Request, response: Response, person: Person) -> None:
        """Puts the cookie of a person who has just proven who they are on a response."""
        value = self._signer.dumps({"name": person["name"], "mark": _mark(person)})
        secure = self._must_be_secure(request)
        response.set_cookie(COOKIE, value, max_age=LASTS_S, path="/", httponly=True, samesite="lax", secure=secure)

    def end(self, request: Request, response: Response) -> None:
        """Takes the cookie away."""
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=self._must_be_secure(request))

    def person_of(self, request: Request) -> Person:
        """The person behind the request's cookie. Raises NotSignedIn. Reads the store: call it from plain functions."""
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            raise NotSignedIn
        try:
            content = self._signer.loads(cookie, max_age=LASTS_S)
            person = self._person(content["name"])
        except (BadSignature, KeyError, TypeError, Missing) as error:
            raise NotSignedIn from error
        if content.get("mark") != _mark(person):
            raise NotSignedIn
        return person

    def is_fresh(self, request: Request) -> bool:
        """True when whoever is behind the request's cookie gave their password within the last ten minutes."""
        try:
            self._signer.loads(request.cookies.get(COOKIE, ""), max_age=FRESH_S)
        except BadSignature:
            return False
        return True

    def _person(self, name: str) -> Person:
        now = time.monotonic()
        known = self._people.get(name)
        if known is not None and now - known[0] < PERSON_KEPT_S:
            return known[1]
        if len(self._people) > PEOPLE_KEPT:
            self._people.clear()
        person = self._find_person(name)
        self._people[name] = (now, person)
        return person

    def _must_be_secure(self, request: Request) -> bool:
        """Always but for plain http on the machine itself, where a developer or a phone on a cable is."""
        url = URL(self._public_url) if self._public_url else request.url
        return not (url.scheme == "http" and url.hostname in LOOPBACK)


def bearer_of(request: Request) -> str | None:
    """The token of an `Authorization: Bearer` header, or None when there is no such header."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _mark(person: Person) -> str:
    return hashlib.sha256(str(person.get("password_hash", "")).encode()).hexdigest()[:16]
