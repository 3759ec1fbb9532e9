"""The one thing a browser keeps when it clears what scripts wrote: a cookie that names the devices enrolled from it.

It proves nothing and opens nothing; a device it names counts only for the user whose device that is (`server/people/losses.py`).
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from server.web.services import services_of

COOKIE = "xunge-phone"
LASTS_S = 400 * 86400
# A phone that a whole team shares.
DEVICES_MOST = 12
SHAPE = re.compile(r"[0-9a-z]{16}")


def read(request: Request) -> list[str]:
    """Device ids, the newest first."""
    named = request.cookies.get(COOKIE, "").split(".")[:DEVICES_MOST]
    return [one for one in named if SHAPE.fullmatch(one)]


def write(request: Request, answer: Response, device: str) -> None:
    """Adds a device that was just enrolled."""
    value = ".".join([device, *read(request)][:DEVICES_MOST])
    secure = request.url.scheme == "https" or services_of(request).settings.public_url.startswith("https:")
    answer.set_cookie(COOKIE, value, max_age=LASTS_S, path="/api/devices", httponly=True, samesite="strict", secure=secure)
