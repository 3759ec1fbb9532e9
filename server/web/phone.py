"""The phone app's files under `/m/`, and what the server answers when a request of the app reaches it instead of its worker.

Any page address answers the start page, which brings the service worker up and then asks again. A form that arrives here was
meant for the phone itself: it is handed back with all its fields, never swallowed.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from server.web.bodies import check_length
from server.web.services import services_of

POST_BYTES = 64 * 1024 * 1024
PART_BYTES = 1024 * 1024
WORKERS = frozenset({"sw.js", "sync.js"})
START = "index.html"
CACHE = "no-cache"


class PhoneFiles(StaticFiles):
    """One built folder; every file is asked for again by its ETag: the app's own worker keeps what it needs by version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(directory=folder, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await hand_back(request) if request.method == "POST" else await self._file(request)
        await answer(scope, receive, send)

    async def _file(self, request: Request) -> Response:
        path = self.get_path(request.scope)
        try:
            answer = await self.get_response(path, request.scope) if path != "." else self._start(request)
        except HTTPException as error:
            if error.status_code != 404 or Path(path).suffix:
                raise
            answer = self._start(request)
        if Path(path).suffix:
            answer.headers["Cache-Control"] = CACHE
        if path in WORKERS:
            answer.headers["Service-Worker-Allowed"] = "/m/"
        return answer

    def _start(self, request: Request) -> Response:
        start = self.folder / START
        if start.is_file():
            return FileResponse(start, headers={"Cache-Control": "no-store"})
        return services_of(request).pages.show(request, "phone_missing.html", {}, status=503)


async def hand_back(request: Request) -> HTMLResponse:
    """503 with a page that keeps what was typed, to be sent again. Files cannot be put back: their names are shown."""
    if "content-length" not in request.headers:
        raise HTTPException(411, "bad_request")
    check_length(request, POST_BYTES)
    async with request.form(max_files=50, max_fields=300, max_part_size=PART_BYTES) as form:
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        files = [value.filename or name for name, value in form.multi_items() if not isinstance(value, str)]
    data = {"action": request.url.path, "fields": fields, "files": [name for name in files if name]}
    headers = {"Retry-After": "3"}
    return services_of(request).pages.show(request, "phone_post.html", data, status=503, headers=headers)
