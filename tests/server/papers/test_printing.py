"""Printed papers: the facts are in the PDF's text, Chinese has its glyphs, hostile text stays text, and nothing is fetched."""

import http.server
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.domain import links
from server.domain.errors import NotNow
from server.papers import contents, making, printing, seal
from server.web import locale
from tests.server.papers.conftest import PHOTO, Fold, matter_of

needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils reads the PDFs")
ADDRESS = "https://xunge.example/papers/"
TEXT = "人行道井盖缺失，夜间无照明"


def html_of(folded: Fold, kind: str = "dispatch", language: str = "zh-CN", text: str = TEXT, **fields: Any) -> str:
    move = {
        "dispatch": {"move": "dispatch", "unit": "unit:enforcement", "reason": "占道"},
        "return": {"move": "return", "reason": "照片看不清"},
        "refusal": {"move": "refuse", "reason": "不属本街道"},
        "transfer": {"move": "transfer", "authority": "水务局", "reason": "超出职权"},
        "file": {"move": "amend", "reason": "更正", "address": "同心南街"},
    }[kind]
    first = () if kind in ("return", "refusal") else ({"move": "accept"},)
    loaded = folded(*first, move, text=text, photos=[PHOTO], **fields)
    stated = contents.state(matter_of(loaded, kind, loaded.events[-1], language), {})
    value = seal.seal_of(stated)
    made = making.Made(value, {"statement": stated, "made_at": "2026-11-23T09:00:00.000Z"})
    return printing.as_html(made, {}, ADDRESS + value)


def read(pdf: bytes, folder: Path, command: str) -> str:
    path = folder / "paper.pdf"
    path.write_bytes(pdf)
    arguments = [str(path), "-"] if command == "pdftotext" else [str(path)]
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=True).stdout


@needs_poppler
def test_the_pdf_says_the_facts_and_has_the_glyphs(folded: Fold, tmp_path: Path) -> None:
    pdf = printing.as_pdf(html_of(folded))
    said = re.sub(r"\s", "", read(pdf, tmp_path, "pdftotext"))
    for part in ("案件派遣单", "综合执法队", TEXT, "同心北街", "占道", "2026年11月23日16:00", "内容封存"):
        assert part in said
    fonts = read(pdf, tmp_path, "pdffonts").splitlines()[2:]
    assert any("CJK" in line for line in fonts)
    for line in fonts:
        embedded, subset, to_unicode = line.split()[-5:-2]
        assert (embedded, subset, to_unicode) == ("yes", "yes", "yes"), line


@pytest.mark.parametrize("language", locale.LANGUAGES)
@pytest.mark.parametrize("kind", ["dispatch", "return", "refusal", "transfer", "file"])
def test_every_paper_is_whole_in_both_languages(folded: Fold, kind: str, language: str) -> None:
    html = html_of(folded, kind, language)
    assert locale.text(language, f"paper.{kind}.title") in html
    assert "None" not in html
    assert not re.search(r"paper\.\w", html)
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []


def test_hostile_text_stays_text(folded: Fold) -> None:
    html = html_of(folded, text="<script>alert(1)</script><img src=http://127.0.0.1/x>\"'</td>")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=http://127.0.0.1/x&gt;" in html


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_links_are_text_in_the_case_file_and_nothing_to_follow(folded: Fold, language: str) -> None:
    page = html_of(folded, "file", language, links=["https://a.example.cn/<script>\"'/1.jpg", "https://a.example.cn/2.jpg"])
    assert "1. https://a.example.cn/&lt;script&gt;&#34;&#39;/1.jpg\n2. https://a.example.cn/2.jpg\n" in page
    assert locale.text(language, "paper.links_note") in page
    assert re.findall(r'(?:src|href)="(?!data:)|<script|<a ', page) == []
    assert locale.text(language, "paper.fact.links") not in html_of(folded, "file", language)


@needs_poppler
def test_ten_of_the_longest_links_are_printed_to_their_ends(folded: Fold, tmp_path: Path) -> None:
    longest = [f"https://a.example.cn/{'x' * 1960}/end-{n:02d}.jpg" for n in range(links.MOST)]
    said = re.sub(r"\s", "", read(printing.as_pdf(html_of(folded, "file", links=longest)), tmp_path, "pdftotext"))
    assert all(f"end-{n:02d}.jpg" in said for n in range(links.MOST))


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server that remembers what it was asked; its address and the paths."""
    paths: list[str] = []

    class Remember(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(404)
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Remember) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


def test_the_press_fetches_nothing_even_when_the_page_asks_for_it(asked: tuple[str, list[str]], tmp_path: Path) -> None:
    address, paths = asked
    (tmp_path / "secret.css").write_text("p { color: red }")
    html = (
        f'<html><head><base href="{address}/"><link rel="stylesheet" href="{address}/a.css"><style>'
        f'@import "{address}/b.css"; @font-face {{ font-family: x; src: url({address}/c.ttf) }} p {{ font-family: x; '
        f'background: url({address}/d.png) }}</style><link rel="stylesheet" href="file://{tmp_path}/secret.css"></head>'
        f'<body><p>文</p><img src="{address}/e.png"><object data="{address}/f.svg"></object><img src="g.png"></body></html>'
    )
    assert printing.as_pdf(html).startswith(b"%PDF-")
    assert paths == []


def test_links_to_pictures_are_not_followed_when_a_case_file_is_printed(folded: Fold, asked: tuple[str, list[str]]) -> None:
    address, paths = asked
    assert printing.as_pdf(html_of(folded, "file", links=[f"{address}/a.jpg"])).startswith(b"%PDF-")
    assert paths == []


def test_a_press_that_takes_too_long_is_ended_and_said(folded: Fold) -> None:
    with pytest.raises(NotNow, match="paper_not_printed"):
        printing.as_pdf(html_of(folded), time_limit_s=0.05)


def test_who_comes_while_all_presses_are_taken_is_told_to_come_again(folded: Fold) -> None:
    taken = [printing._places.acquire(blocking=False) for _ in range(printing.PRESSES + printing.WAITING)]
    try:
        with pytest.raises(NotNow, match="presses_busy"):
            printing.as_pdf(html_of(folded))
    finally:
        for _ in taken:
            printing._places.release()


def test_a_paper_of_three_hundred_moves_is_printed(folded: Fold) -> None:
    html = html_of(folded, "file").replace("</table>", "<tr><td>催办</td></tr>" * 300 + "</table>", 1)
    assert printing.as_pdf(html).startswith(b"%PDF-")
