"""Settings, from `XUNGE_*` environment variables only, read once at a process's start.

Nothing else in the project reads the environment. `DESCRIPTIONS` is what the README's table is checked against.
"""

import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DESCRIPTIONS = {
    "XUNGE_COUCHDB_URL": "CouchDB with credentials, `https://user:password@host:6984`; empty: the embedded store is started",
    "XUNGE_BROKER_URL": "Redis or Valkey, `redis://host:6379/0`; empty: an own one is started on loopback",
    "XUNGE_DATA": "where everything is kept: databases, unfinished uploads, secrets, logs (`var`)",
    "XUNGE_HOST": "the address the server listens on (`127.0.0.1`)",
    "XUNGE_PORT": "the port the server listens on (`8000`)",
    "XUNGE_SECRET": "signs sessions, is what phones seal to; empty: kept in the data folder. Set it when several machines serve",
    "XUNGE_DEMO": "`1` makes the demo district and its accounts on start (`make run` sets it)",
    "XUNGE_PUBLIC_URL": "the address people type when a proxy stands before the server, `https://xunge.example`; empty: as asked",
    "XUNGE_TILE_URL": "map tiles in WGS-84, `https://…/{z}/{x}/{y}.png`; empty: outlines only, nothing leaves the house",
    "XUNGE_WORKERS": "worker processes for intake and photos (`2`)",
    "XUNGE_SWEEP_S": "seconds between two looks for what a nudge missed (`60`)",
    "XUNGE_CALLBACK_HOSTS": "hosts that sources may be called back at, separated by commas; empty: any but this machine itself",
    "XUNGE_LOG_LEVEL": "`DEBUG`, `INFO`, `WARNING` or `ERROR` (`INFO`)",
}


@dataclass(frozen=True)
class Settings:
    """One process's settings. `couchdb_url` and `broker_url` are always filled: by the environment or by the supervisor."""

    couchdb_url: str = ""
    broker_url: str = ""
    data: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    secret: str = ""
    demo: bool = False
    public_url: str = ""
    tile_url: str = ""
    workers: int = 2
    sweep_s: int = 60
    log_level: str = "INFO"
    callback_hosts: tuple[str, ...] = ()

    @property
    def uploads(self) -> Path:
        """Unfinished uploads; storage that all server processes share."""
        return self.data / "uploads"


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment. Raises ValueError that names a variable which is not what it must be."""

    def text(name: str, default: str = "") -> str:
        return environment.get(f"XUNGE_{name}", "").strip() or default

    def number(name: str, default: int) -> int:
        value = text(name, str(default))
        if not value.isdigit():
            raise ValueError(f"XUNGE_{name} must be a whole number, not {value!r}")
        return int(value)

    data = Path(text("DATA", "var")).resolve()
    return Settings(
        couchdb_url=text("COUCHDB_URL").rstrip("/"),
        broker_url=text("BROKER_URL"),
        data=data,
        host=text("HOST", "127.0.0.1"),
        port=number("PORT", 8000),
        secret=text("SECRET") or kept_secret(data, "session"),
        demo=text("DEMO") == "1",
        public_url=text("PUBLIC_URL").rstrip("/"),
        tile_url=text("TILE_URL"),
        workers=number("WORKERS", 2),
        sweep_s=number("SWEEP_S", 60),
        log_level=text("LOG_LEVEL", "INFO").upper(),
        callback_hosts=tuple(host.strip().lower() for host in text("CALLBACK_HOSTS").split(",") if host.strip()),
    )


def kept_secret(data: Path, name: str) -> str:
    """A random secret that is made on first need and kept in the data folder, readable by its owner only."""
    path = data / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()
