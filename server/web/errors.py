"""The one place where errors become responses: RFC 9457 problems for programs, a page or a fragment for people.

The text is the catalogue's `error.<code>`, in the reader's language; nothing of an exception's own text
and no stack trace leaves.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from media.errors import MediaError, PhotoConflict, Unavailable
from media.errors import StorageFull as MediaStorageFull
from server.domain import errors as domain
from server.domain import workflow
from server.web import locale
from server.web.pages import wants_fragment, wants_html
from sync import errors as store

RETRY_AFTER_S = 5
SHOWN_FACTS = ("case", "by", "state", "move", "retry_after_s", "wipe", "rescue_until", "kept", "sent")
log = structlog.get_logger("errors")

STATUS: tuple[tuple[type[Exception], int, str | None], ...] = (
    (domain.InvalidInput, 422, None),
    (domain.NotSignedIn, 401, None),
    (domain.Forbidden, 403, None),
    (domain.Missing, 404, None),
    (domain.Erased, 410, None),
    (domain.Changed, 409, None),
    (domain.IllegalMove, 409, None),
    (domain.TooMany, 429, None),
    (domain.NotNow, 503, None),
    (domain.DomainError, 400, None),
    (store.Conflict, 409, "changed_meanwhile"),
    (store.StorageFull, 503, "storage_full"),
    (store.Unreachable, 503, "store_unreachable"),
    (MediaStorageFull, 503, "storage_full"),
    (Unavailable, 503, "store_unreachable"),
    (PhotoConflict, 409, "photo_conflict"),
)
CODE_OF_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "wrong_type"}


class Answer:
    """What one error says: status, code, and the facts that fill its text."""

    def __init__(self, error: Exception) -> None:
        self.status, self.code = _classify(error)
        self.fields: Mapping[str, str] = getattr(error, "fields", {})
        self.facts: dict[str, Any] = dict(getattr(error, "facts", {}))
        if self.status == 503:
            self.facts.setdefault("retry_after_s", RETRY_AFTER_S)

    def headers(self) -> dict[str, str]:
        """`Retry-After` where waiting helps; never to be cached."""
        found = {"Cache-Control": "no-store"}
        if "retry_after_s" in self.facts:
            found["Retry-After"] = str(max(1, round(float(self.facts["retry_after_s"]))))
        if self.status == 401:
            found["WWW-Authenticate"] = "Bearer"
        return found

    def text(self, language: str) -> str:
        """What a person is told."""
        key = f"error.{self.code}" if locale.has_text(f"error.{self.code}") else f"error.status_{self.status // 100}xx"
        wait_min = -(-int(float(self.facts.get("retry_after_s", 60))) // 60)
        return locale.text(language, key, wait_min=max(1, wait_min))


def answer_error(request: Request, error: Exception) -> Response:
    """The response an error deserves."""
    answer = Answer(error)
    if answer.status >= 500:
        log.error("failed", path=request.url.path, code=answer.code, exc_info=error if answer.status == 500 else None)
    if not wants_html(request):
        return problem(request, answer)
    if answer.status == 401:
        return _ask_to_sign_in(request)
    return _page(request, answer)


def problem(request: Request, answer: Answer) -> Response:
    """`application/problem+json` (RFC 9457); `code` and `fields` are for programs, `title` and `detail` for people."""
    language = locale.language_of(request)
    body: dict[str, Any] = {
        "type": f"urn:xunge:problem:{answer.code}",
        "title": locale.text(language, f"error.status_{answer.status // 100}xx.title"),
        "status": answer.status,
        "detail": answer.text(language),
        "code": answer.code,
        "request_id": request.scope.get("state", {}).get("request_id"),
    }
    if answer.fields:
        body["fields"] = answer.fields
    body |= {name: _shown(answer.facts[name]) for name in SHOWN_FACTS if name in answer.facts}
    return Response(orjson.dumps(body), answer.status, answer.headers(), "application/problem+json")


def handlers() -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """The exception handlers of the app."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer_error(request, error)

    kinds = (domain.DomainError, store.StoreError, MediaError, HTTPException, Exception)
    return dict.fromkeys(kinds, handle)


def _classify(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        named = error.detail if locale.has_text(f"error.{error.detail}") else None
        return error.status_code, named or CODE_OF_STATUS.get(error.status_code, "bad_request")
    for kind, status, code in STATUS:
        if isinstance(error, kind):
            return status, code or str(getattr(error, "code", "invalid"))
    return 500, "internal"


def _shown(fact: Any) -> Any:
    """A fact without the store's own fields; of a document what the next `If-Match` wants stays, as `version`."""
    if not isinstance(fact, dict) or "_id" not in fact:
        return fact
    plain = {name: value for name, value in fact.items() if not name.startswith("_")}
    version = workflow.version_of(fact) if fact.get("type") == "case" else fact.get("_rev")
    return {"id": fact.get("_id"), "version": version} | plain


def _ask_to_sign_in(request: Request) -> Response:
    """To the sign-in page and back again; htmx is told to take the whole page there."""
    if wants_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": "/", "Cache-Control": "no-store"})
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = f"/?next={quote(wanted, safe='/')}" if request.method == "GET" and wanted != "/" else "/"
    return RedirectResponse(target, 303)


def _page(request: Request, answer: Answer) -> Response:
    language = locale.language_of(request)
    data = {
        "status": answer.status,
        "title": locale.text(language, f"error.status_{answer.status // 100}xx.title"),
        "text": answer.text(language),
        "request_id": request.scope.get("state", {}).get("request_id", ""),
    }
    headers = answer.headers() | {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
    shown: Response = request.app.state.services.pages.show(
        request, "error.html", data, fragment="_error.html", status=answer.status, headers=headers
    )
    return shown
