"""`GET /api/photos/{photo}/{size}`: a photo's bytes, or a voice note's, for whoever may see its record, by session or token."""

from starlette.requests import Request
from starlette.responses import Response

from server import photos
from server.domain import ids
from server.domain.errors import Missing
from server.web import looks, ranges
from server.web.devices_api import holder_of
from server.web.services import services_of
from server.web.sessions import bearer_of

SIZES = frozenset({"original", "screen", "thumb", "voice"})
KEPT = "private, max-age=86400"


def show_photo(request: Request) -> Response:
    """The bytes with an ETag; 304 when the asker has them, 206 for a part. What is not there yet, or not theirs, is Missing."""
    services = services_of(request)
    person = holder_of(request).person if bearer_of(request) else services.sessions.person_of(request)
    photo, size = request.path_params["photo"], request.path_params["size"]
    if size not in SIZES or not ids.is_record_id(photo, "photo"):
        raise Missing
    data, content_type, digest = photos.open_photo(services.couch, person, photo, size)
    if size in ("original", "voice"):
        looks.note_original(request, person, str(photo))
    headers = {"ETag": f'"{digest}"', "Cache-Control": KEPT, "Vary": "Authorization, Cookie"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{ids.uuid_of(photo)}-{size}"'
    headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return ranges.answer(request, data, headers, content_type)
