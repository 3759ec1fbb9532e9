"""Rendering: Jinja2 templates with the request's language, and the one helper that picks the whole page or its fragment."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from server.web import locale, moments
from server.web.assets import Assets

FOLDER = Path(__file__).parent.parent / "templates"


class Pages:
    """Turns a template and a view model into a response."""

    def __init__(self, assets: Assets) -> None:
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals["asset"] = assets.url

    def show(
        self,
        request: Request,
        page: str,
        data: Mapping[str, Any],
        *,
        fragment: str | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The page, or its fragment when htmx asks for a part of it (going back in history asks for the whole)."""
        template = fragment if fragment is not None and wants_fragment(request) else page
        html = self.environment.get_template(template).render(self._common(request) | dict(data))
        answer = HTMLResponse(html, status, headers={"Cache-Control": "no-store", "Vary": "HX-Request, Cookie"})
        answer.headers.update(headers or {})
        if request.query_params.get("lang") in locale.LANGUAGES:
            answer.set_cookie(locale.COOKIE, locale.language_of(request), max_age=365 * 86400, samesite="lax")
        return answer

    def _common(self, request: Request) -> dict[str, Any]:
        language = locale.language_of(request)
        now = datetime.now(UTC)
        return {
            "lang": language,
            "t": partial(locale.text, language),
            "has_text": locale.has_text,
            "texts_under": partial(locale.texts_under, language),
            "person": None,
            "desk": "/",
            "where": "",
            "townships": [],
            "refused": None,
            "unread": None,
            "turn": None,
            "pages": [],
            "exact": moments.exact,
            "relative": partial(moments.relative, now=now, language=language),
            "languages": _language_links(request),
        }


def wants_fragment(request: Request) -> bool:
    """True when htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def wants_html(request: Request) -> bool:
    """True when a person will read the answer: by path first (programs use /api and /db), then by what is accepted."""
    if request.url.path.startswith(("/api/", "/db/", "/healthz")):
        return False
    return "text/html" in request.headers.get("accept", "") or wants_fragment(request)


def _language_links(request: Request) -> list[dict[str, str]]:
    """The address of this page in each language; after a failed form, of the desk's beginning."""
    path = request.url.path if request.method == "GET" else "/"
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return [{"code": code, "url": f"{path}?{urlencode([*kept, ('lang', code)])}"} for code in locale.LANGUAGES]
