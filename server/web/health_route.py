"""`GET /healthz`: 200 when store, broker and a worker answer, else 503 with which does not. For supervisors, open to all."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from server.web.health import our_version
from server.web.services import services_of


def healthz(request: Request) -> Response:
    """JSON `{status, store, broker, worker, version}`."""
    services = services_of(request)
    parts = services.health.read(
        {"store": services.couch.is_up, "broker": services.nudges.is_broker_alive, "worker": services.nudges.is_worker_alive}
    )
    is_well = all(state == "up" for state in parts.values())
    body = {"status": "ok" if is_well else "failing", **parts, "version": our_version()}
    return Response(orjson.dumps(body), 200 if is_well else 503, {"Cache-Control": "no-store"}, "application/json")
