"""Links to pictures at other systems: which are taken, what is said of the others, and what a page calls one."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import links

SOUND = "https://12345.example.cn/files/2026/a.jpg"


@pytest.mark.parametrize(
    "link",
    [
        SOUND,
        "http://10.1.2.3:8080/p?id=7&size=big#top",
        "HTTPS://Example.CN/A.JPG",
        "https://[2001:db8::1]/a.jpg",
        "https://政务.example.cn/图片/井盖.jpg",
        "https://example.cn",
        "https://example.cn/@user/'\"<b>.jpg",
        SOUND + "?" + "x" * (links.LENGTH - len(SOUND) - 1),
    ],
)
def test_whole_addresses_of_the_web_are_taken(link: str) -> None:
    assert links.whats_wrong([link]) is None


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("", "not_a_link"),
        ("javascript:alert(1)", "not_a_link"),
        ("javascript://example.cn/%0aalert(1)", "not_a_link"),
        ("data:text/html,x", "not_a_link"),
        ("ftp://example.cn/a.jpg", "not_a_link"),
        ("file:///etc/passwd", "not_a_link"),
        ("//example.cn/a.jpg", "not_a_link"),
        ("/files/a.jpg", "not_a_link"),
        ("example.cn/a.jpg", "not_a_link"),
        ("https:example.cn", "not_a_link"),
        ("https:///a.jpg", "not_a_link"),
        ("https://:443/a.jpg", "not_a_link"),
        ("https://example.cn:99999/", "not_a_link"),
        ("https://example.cn:port/", "not_a_link"),
        ("https://[example.cn/", "not_a_link"),
        ("https://a<b>.cn/", "not_a_link"),
        ("https://good.cn\uff20evil.cn/", "not_a_link"),
        ("https://wang@example.cn/a.jpg", "link_with_password"),
        ("https://wang:secret@example.cn/a.jpg", "link_with_password"),
        ("https://@example.cn/", "link_with_password"),
        ("https://example.cn/a b.jpg", "link_unreadable"),
        ("https://example.cn/a.jpg\n", "link_unreadable"),
        ("java\tscript:alert(1)", "link_unreadable"),
        ("https://example.cn/\x00", "link_unreadable"),
        ("https://example.cn/\x7f", "link_unreadable"),
        ("https://example.cn/\u3000", "link_unreadable"),
        ("https://example.cn/\u202egpj.exe", "link_unreadable"),
        ("https://example.cn/\ud800", "link_unreadable"),
        ("https://good.cn\\@evil.cn/", "link_unreadable"),
        (SOUND + "?" + "x" * (links.LENGTH - len(SOUND)), "link_too_long"),
    ],
)
def test_what_is_wrong_with_a_link_has_a_code_wherever_it_stands(link: str, code: str) -> None:
    assert links.whats_wrong([link]) == code
    assert links.whats_wrong([SOUND, link]) == code


def test_ten_links_are_taken_and_eleven_are_not() -> None:
    assert links.whats_wrong([SOUND] * links.MOST) is None
    assert links.whats_wrong([SOUND] * (links.MOST + 1)) == "too_many_links"


HEADS = st.sampled_from(("", "http://", "https://", "https://a.cn/", "https://a.cn:"))


@given(HEADS, st.text())
def test_no_text_is_a_fault_and_what_is_taken_leads_to_a_host_without_a_password(head: str, rest: str) -> None:
    text = head + rest
    if links.whats_wrong([text]) is None:
        parts = urlsplit(text)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is parts.password is None
        assert text.isprintable()
        assert links.name_of(text).isprintable()
        assert len(links.name_of(text)) <= 2 * links.NAME_LENGTH + 5


@pytest.mark.parametrize(
    ("link", "name"),
    [
        (SOUND, "12345.example.cn/…/a.jpg"),
        ("https://example.cn", "example.cn"),
        ("https://example.cn/?id=7", "example.cn"),
        ("https://example.cn:8080/a.jpg?key=secret#x", "example.cn:8080/a.jpg"),
        ("https://example.cn/p/%E4%BA%95%E7%9B%96.jpg", "example.cn/…/井盖.jpg"),
        ("https://example.cn/%E2%80%AEgpj.exe", "example.cn/%E2%80%AEgpj.exe"),
        ("https://example.cn/a%20b", "example.cn/a%20b"),
        (f"https://gov.cn.{'x' * 50}.evil.example/{'y' * 50}.jpg", f"…{'x' * 27}.evil.example/…{'y' * 36}.jpg"),
    ],
)
def test_a_link_is_called_by_its_host_and_the_end_of_its_path(link: str, name: str) -> None:
    assert links.whats_wrong([link]) is None
    assert links.name_of(link) == name
