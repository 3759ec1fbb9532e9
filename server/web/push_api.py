"""Whether a phone is pushed to (`/api/devices/me/push`): it says so itself, with its token. Rules are in `server/push/`."""

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.people import devices
from server.push import subscriptions
from server.sources.addresses import URL_LENGTH
from server.web.bodies import takes_json
from server.web.devices_api import holder_of
from server.web.services import services_of

Key = Annotated[str, msgspec.Meta(max_length=200)]


class Keys(msgspec.Struct, frozen=True):
    """What messages to this phone are encrypted with, in base64url."""

    p256dh: Key = ""
    auth: Key = ""


class Subscription(msgspec.Struct):
    """The body of `PUT /api/devices/me/push`, as a browser's `PushSubscription.toJSON()` gives it."""

    endpoint: Annotated[str, msgspec.Meta(max_length=URL_LENGTH)] = ""
    keys: Keys = Keys()


@takes_json(Subscription)
def subscribe(request: Request, body: Subscription) -> Response:
    """`PUT /api/devices/me/push`: this phone is pushed to from now on, in place of any subscription before; 204, or 422."""
    holder = holder_of(request)
    push = subscriptions.checked(body.endpoint, body.keys.p256dh, body.keys.auth)
    devices.subscribe(services_of(request).couch, str(holder.device["_id"]), push)
    return Response(status_code=204)


def unsubscribe(request: Request) -> Response:
    """`DELETE /api/devices/me/push`: no more; 204, also when it never was."""
    holder = holder_of(request)
    devices.unsubscribe(services_of(request).couch, str(holder.device["_id"]))
    return Response(status_code=204)
