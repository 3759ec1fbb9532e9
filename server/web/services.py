"""What every handler needs and what lives as long as the process: settings, the store, nudges, names, texts, live updates.

Built by `server/app.py`, reached by `services_of(request)`. No logic here.
"""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from server.households.waiting import Waiting
from server.limits import Meter
from server.nudges import Nudges
from server.people.policy import DevicePolicy
from server.people.sign_in import SignInLimits
from server.sealing import SealKey
from server.settings import Settings
from server.sources.patience import Patience
from server.web.assets import Assets
from server.web.health import Health
from server.web.live import Hub
from server.web.names import Names
from server.web.notice_badge import NoticeBadge
from server.web.pages import Pages
from server.web.quarantine_badge import Badge
from server.web.sessions import Sessions
from server.web.turn_badge import TurnBadge
from sync.couch import Couch


@dataclass(frozen=True)
class Services:
    """The process-wide parts a handler works with."""

    settings: Settings
    couch: Couch
    nudges: Nudges
    hub: Hub
    names: Names
    pages: Pages
    sessions: Sessions
    assets: Assets
    limits: SignInLimits
    patience: Patience
    policy: DevicePolicy
    meter: Meter
    health: Health
    badge: Badge
    waiting: Waiting
    notice_badge: NoticeBadge
    turns: TurnBadge
    seal_key: SealKey


def services_of(connection: HTTPConnection) -> Services:
    """The services of the app that answers this request."""
    found: Services = connection.app.state.services
    return found
