"""Two guards around everything: the security headers of every answer, and the refusal of requests that other sites send.

Pure ASGI, so that streams pass untouched. Signing in and rights are elsewhere.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
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
        self.headers = {
            "Content-Security-Policy": content_policy(settings),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(self)",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_https = self.is_https or scope["scheme"] == "https"

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if is_https:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
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
