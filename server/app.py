"""The web application, put together: services, routes, guards, and what lives as long as the process.

`create_app()` is the factory uvicorn calls (`server.app:create_app`); tests give it their own settings.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from server import logs, photos, sealing, settings
from server.erasure import again, marks, register
from server.households.waiting import Waiting
from server.limits import Meter
from server.nudges import Nudges
from server.people import accounts, sign_in
from server.people.policy import DevicePolicy
from server.replication import create_replication
from server.settings import Settings
from server.sources.patience import create_patience
from server.web.access_log import AccessLog
from server.web.assets import Assets
from server.web.errors import handlers
from server.web.health import Health
from server.web.live import Hub
from server.web.names import Names
from server.web.notice_badge import NoticeBadge
from server.web.pages import Pages
from server.web.phone_guard import PhoneGuard
from server.web.quarantine_badge import Badge
from server.web.rescue import create_rescue_uploads
from server.web.routes import routes
from server.web.security import SameOrigin, SecurityHeaders
from server.web.services import Services
from server.web.sessions import Sessions
from server.web.turn_badge import TurnBadge
from server.web.upload_words import UploadWords
from sync.couch import Couch
from sync.errors import StoreError

BUILT = Path(__file__).resolve().parent.parent / "pwa" / "dist"
GZIP_FROM_BYTES = 1024


def create_app(given: Settings | None = None, built: Path = BUILT) -> Starlette:
    """The application. `built` is the folder of the built front end (`m/` the phone app, `desk/` the desk's files).

    Without given settings it is the process's one application: settings come from the environment, and its log is set up.
    """
    found = given or settings.from_environment()
    if given is None:
        logs.configure(found.log_level)
    services = _services(found, built)
    replication = create_replication(found, services.policy, services.nudges.nudge_soon)
    uploads = photos.create_photo_uploads(found.uploads, services.couch, services.policy, services.nudges)
    rescued = create_rescue_uploads(found.uploads, services.couch, services.seal_key)
    app = Starlette(
        routes=routes(replication, UploadWords(uploads), UploadWords(rescued), services.assets, built / "m"),
        middleware=[
            Middleware(AccessLog),
            Middleware(SecurityHeaders, settings=found),
            Middleware(PhoneGuard, policy=services.policy, meter=services.meter),
            Middleware(SameOrigin, settings=found),
            Middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES, compresslevel=5),
        ],
        exception_handlers=handlers(),
        lifespan=_lifespan,
    )
    app.state.services = services
    app.state.replication = replication
    return app


def _services(found: Settings, built: Path) -> Services:
    marks.use(found.secret)
    couch, nudges, assets = Couch(found.couchdb_url), Nudges(found.broker_url), Assets(built / "desk")
    return Services(
        settings=found,
        couch=couch,
        nudges=nudges,
        hub=Hub(couch.info, nudges.subscribe),
        names=Names(couch),
        pages=Pages(assets),
        sessions=Sessions(found, lambda name: accounts.find(couch, name)),
        assets=assets,
        limits=sign_in.create_limits(found.broker_url),
        patience=create_patience(found.broker_url),
        policy=DevicePolicy(couch),
        meter=Meter(found.broker_url),
        health=Health(),
        badge=Badge(couch),
        waiting=Waiting(couch),
        notice_badge=NoticeBadge(couch),
        turns=TurnBadge(couch),
        seal_key=sealing.key_of(found.secret),
    )


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Runs the live hub and the gateway's connections while the process serves, and lets go of everything at the end."""
    services: Services = app.state.services
    await asyncio.to_thread(_erase_again, services)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(services.nudges.close)
        stack.callback(services.meter.close)
        await stack.enter_async_context(app.state.replication.running())
        for name, work in (("live hub", services.hub.run()), ("meter", services.meter.run())):
            stack.push_async_callback(_stop, asyncio.create_task(work, name=name))
        yield


def _erase_again(services: Services) -> None:
    """A store that was put back to an earlier day may hold what was erased since: it goes again before anything is served."""
    try:
        again.catch_up(services.couch, [register.path_in(services.settings.data)], datetime.now(UTC))
    except (StoreError, OSError) as error:
        logging.getLogger(__name__).warning("whether the store forgot erased ids is not known: %s", error)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
