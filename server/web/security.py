"""Two guards around everything: the security headers of every answer, and the refusal of requests that other sites send.

Pure ASGI, so that streams pass untouched. Signing in and rights are elsewhere.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.domain.errors import Forbidden
from server.settings import Settings
from server.web.errors import answer_error

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_SITE = frozenset({"same-origin", "none"})


def content_policy(settings: Settings) -> str:
    """The Content-Security-Policy of every page: nothing from elsewhere but map tiles, when those are set."""
    tiles = urlsplit(settings.tile_url)
    tile_host = f" {tiles.scheme}://{tiles.netloc.replace('{s}', '*')}" if tiles.netloc else ""
    return (
        "default-src 'self'; script-src 'self'; style-src 'self'; "
        f"img-src 'self' data: blob:{tile_host}; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """Adds the headers that tell a browser how little to trust."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.is_https = settings.public_url.startswith("https:")
        # As they go over the wire: this is done for every answer there is.
        self.headers = [
            (b"content-security-policy", content_policy(settings).encode("latin-1")),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=(self)"),
        ]
        self.https_headers = [*self.headers, (b"strict-transport-security", b"max-age=31536000")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = self.https_headers if self.is_https or scope["scheme"] == "https" else self.headers

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                given = {name.lower() for name, _ in headers}
                message["headers"] = headers + [pair for pair in added if pair[0] not in given]
            await send(message)

        await self.app(scope, receive, send_guarded)


class SameOrigin:
    """Refuses a state-changing request that a browser sends for another site.

    Browsers say so themselves (`Sec-Fetch-Site`, before that `Origin`); a request with neither comes from no browser and
    carries no cookie by accident. One with a bearer token cannot be forged and passes.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.public_host = urlsplit(settings.public_url).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._is_own(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        answer = answer_error(Request(scope), Forbidden("cross_site"))
        await answer(scope, receive, send)

    def _is_own(self, headers: Headers) -> bool:
        if headers.get("authorization", "").lower().startswith("bearer "):
            return True
        fetch_site = headers.get("sec-fetch-site")
        if fetch_site is not None:
            return fetch_site in SAME_SITE
        origin = headers.get("origin")
        return origin is None or urlsplit(origin).netloc in {headers.get("host"), self.public_host} - {"", None}
