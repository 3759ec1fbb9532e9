"""Every page of the phone looked at in real Chromium: WCAG 2.2 AA by axe in both languages and both themes, targets, letters,
twice the text size, focus, motion. Photographed, 360 px wide, for people to look at. In Chinese every state of `models.mjs`.

No system runs: pages are the templates' own output with the app's style sheet. That a route was forgotten is a failure, too.
"""

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browsers import picture, start_chromium

from .rendering import HERE, rendered, routes
from .twins import PWA

pytestmark = pytest.mark.e2e
HOST = "http://phone"
# Around what is only ever a part of a page.
SHELL = (
    '<!doctype html><html lang="{}"><head><title>-</title><meta name="viewport" content="width=device-width">'
    '<link rel="stylesheet" href="/m/page.css"></head>'
    '<body><a class="skip" href="#content">-</a><header class="top"><h1>-</h1></header>'
    '<main id="content" class="page">{}</main></body></html>'
)
TABS = 60


def every_state(language: str) -> list[dict[str, Any]]:
    """Every state as a document; the messages of a refused form are looked at where they are put, in the refused page."""
    pages = [page for page in rendered() if page["language"] == language and page["model"]["layout"] == "layouts/page.html"]
    assert len(pages) > 60
    return [page | {"html": as_document(page)} for page in pages if page["template"] != "form-errors.html"]


def as_document(page: dict[str, Any]) -> str:
    """What a browser would have before it."""
    html = str(page["html"])
    return html if html.lstrip().startswith("<!doctype") else SHELL.format(page["language"], html)


def slug(name: str) -> str:
    """A state's name as part of a file's, without ids, which are new every time."""
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|/m/|\?saved=1", "", name)
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower() or "today"


@pytest.fixture(scope="module")
def files() -> dict[str, tuple[str, bytes]]:
    """What pages load: the style sheet as it is shipped, and a picture for every photo."""
    command = [str(PWA / "node_modules/.bin/esbuild"), str(PWA / "styles/page.css"), "--bundle", "--minify"]
    style = subprocess.run(command, capture_output=True, check=True).stdout
    photo = io.BytesIO()
    Image.linear_gradient("L").resize((400, 300)).save(photo, "JPEG")
    found = {"/m/page.css": ("text/css", style), "photo": ("image/jpeg", photo.getvalue())}
    for script in (PWA / "node_modules/axe-core/axe.min.js", HERE / "looking.js"):
        found[f"/{script.name}"] = ("text/javascript", script.read_bytes())
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        made = start_chromium(playwright)
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, files: dict[str, tuple[str, bytes]]) -> Iterator[Page]:
    """A page of a phone whose only server is this test; `show` opens a state on it."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, timezone_id="Asia/Shanghai"
    )

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        other = ("image/svg+xml", (PWA / "icons/icon.svg").read_bytes()) if path.startswith("/m/icons/") else ("text/plain", b"")
        kind, body = files.get("photo" if path.startswith("/m/photos/") else path, other)
        route.fulfill(status=200 if body else 404, content_type=kind, body=body)

    context.route("**/*", serve)
    yield context.new_page()
    context.close()


def show(page: Page, html: str) -> None:
    """Opens a page as the phone would show it, with the tests' scripts instead of its own."""
    ours = '<script src="/axe.min.js"></script><script src="/looking.js"></script></head>'
    bare = re.sub(r"<script.*?</script>", "", html).replace("</head>", ours).replace('data-text="large"', 'data-text="normal"')
    page.unroute("**/m/shown")
    page.route("**/m/shown", lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=bare))
    page.goto(f"{HOST}/m/shown")


def test_every_route_that_shows_a_page_is_looked_at() -> None:
    addresses = {f"{method} {path}" for method, path in routes() if method == "GET"}
    assert not addresses - {page["route"] for page in rendered()}, "give models.mjs a state of it"


def fullest(language: str) -> list[dict[str, Any]]:
    """Of each template the state with most on it."""
    best: dict[str, dict[str, Any]] = {}
    for shown in every_state(language):
        if len(shown["html"]) > len(best.get(shown["template"], {"html": ""})["html"]):
            best[shown["template"]] = shown
    return list(best.values())


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("language", "photographed", "states"), [("zh-CN", "light", every_state), ("en", "dark", fullest)])
def test_every_page_can_be_read_and_hit_by_everybody_in_both_themes(
    page: Page, language: str, photographed: str, states: Callable[[str], list[dict[str, Any]]]
) -> None:
    wrong = []
    for shown in states(language):
        # Without motion: a colour that is still changing is none.
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        show(page, shown["html"])
        found = page.evaluate("looksWrong()") + page.evaluate("movesLonger(0)") + page.evaluate("askAxe()")
        if photographed == "light":
            picture(page, f"page-{slug(shown['name'])}-{language}")
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        found += [f"dark: {what}" for what in page.evaluate("askAxe('color-contrast')")]
        if photographed == "dark":
            picture(page, f"page-{slug(shown['name'])}-{language}")
        wrong += [f"{shown['name']} ({language}): {what}" for what in found]
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_the_focus_is_seen_wherever_it_goes_with_nothing_over_it_and_motion_is_short(page: Page) -> None:
    wrong = []
    for shown in fullest("zh-CN"):
        show(page, shown["html"])
        wrong += [f"{shown['template']}: {what}" for what in page.evaluate("movesLonger(0.15)")]
        seen: list[str] = []
        for _ in range(TABS):
            page.keyboard.press("Tab")
            now = page.evaluate("focusNow()")
            if now is None:
                break
            seen.append(now["html"])
            wrong += [f"{shown['template']}: {name}: {now['html']}" for name in ("isRinged", "isFree", "inView") if not now[name]]
        assert seen and 'class="skip"' in seen[0], shown["template"]
    assert not wrong, "\n".join(sorted(set(wrong)))
