"""From a made paper to HTML and PDF. The words are `wording.py`, the pages `server/templates/papers/`.

The HTML carries all it needs in itself (pictures, style), so that a kept file is whole and nothing is fetched when it is printed.
PDFs are made by the press, a process of its own (`press.py`), two at a time and two more waiting; whoever comes then is told to
come again, so that printing never takes the threads the desk's other pages need.
"""

import base64
import hashlib
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
import segno
import structlog
from markupsafe import Markup

from server.domain.errors import NotNow
from server.papers import seal, wording
from server.papers.making import Made
from server.web import locale

FOLDER = Path(__file__).parent.parent / "templates"
ROOT = Path(__file__).resolve().parents[2]
STYLE = FOLDER / "papers" / "paper.css"
PRINTED_MOST = 12
HTML_BYTES_MOST = 40 * 1024 * 1024
PRESSES, WAITING = 2, 2
TIME_LIMIT_S = 120.0
BUSY_S, FAILED_S = 10, 60
log = structlog.get_logger("papers")
_presses = threading.BoundedSemaphore(PRESSES)
_places = threading.BoundedSemaphore(PRESSES + WAITING)


def photos_printed(made: Made) -> list[str]:
    """The photos whose pictures go on a paper: those that arrived, at most so many; of all, the hash is stated."""
    return [one["photo"] for one in made.statement["photos"] if one["sha256"]][:PRINTED_MOST]


def as_html(made: Made, pictures: Mapping[str, bytes], address: str) -> str:
    """The whole paper as one HTML document. `address` is where its seal is verified; the QR code leads there."""
    language = made.statement["language"]
    view = wording.Printed(made.statement).view()
    paper = view | {
        "seal": made.seal,
        "seal_groups": seal.groups_of(made.seal),
        "unprinted": [photo for photo in view["photos"] if photo["id"] not in pictures],
        "made_at": wording.moment(made.kept["made_at"], language),
        "address_shown": address.removesuffix(made.seal) + "…",
        "qr": segno.make(address, error="m").png_data_uri(scale=6, border=0),
        "pictures": {id: "data:image/jpeg;base64," + base64.b64encode(data).decode() for id, data in pictures.items()},
    }

    def t(key: str, **slots: object) -> str:
        return locale.text(language, key, **slots)

    html: str = _environment().get_template("papers/sheet.html").render(paper=paper, lang=language, t=t, style=Markup(_style()))  # noqa: S704 - our own file
    return html


def style_digest() -> str:
    """The hash by which a browser is allowed the paper's own style and no other (`style-src 'sha256-…'`)."""
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


def as_pdf(html: str, time_limit_s: float = TIME_LIMIT_S) -> bytes:
    """The PDF. Raises NotNow when the presses are busy, and when it takes too long or too much."""
    if len(html) > HTML_BYTES_MOST:
        raise NotNow("paper_too_large", retry_after_s=FAILED_S)
    if not _places.acquire(blocking=False):
        raise NotNow("presses_busy", retry_after_s=BUSY_S)
    try:
        with _presses:
            return _pressed(html.encode(), time_limit_s)
    finally:
        _places.release()


def _pressed(html: bytes, time_limit_s: float) -> bytes:
    """One run of the press. `run` kills it when its time is over."""
    command = [sys.executable, "-m", "server.papers.press"]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}
    try:
        done = subprocess.run(
            command, input=html, capture_output=True, cwd=ROOT, env=environment, timeout=time_limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        log.warning("press too slow", html_bytes=len(html), time_limit_s=time_limit_s)
        raise NotNow("paper_not_printed", retry_after_s=FAILED_S) from None
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        log.error("press failed", html_bytes=len(html), code=done.returncode, said=done.stderr[-2000:].decode(errors="replace"))
        raise NotNow("paper_not_printed", retry_after_s=FAILED_S)
    return done.stdout


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(FOLDER)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")
