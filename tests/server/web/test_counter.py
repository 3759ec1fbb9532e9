"""Taking in by hand: one form is one case, a file all of its rows or none, and everybody only where they answer."""

import re
from collections.abc import Iterator

import httpx
import pytest

from server.domain import grids
from tests.conftest import COMMUNITY, GRID_A, GRID_ELSEWHERE
from tests.server.sources.conftest import IN_A, make_places
from tests.server.web.site import HTML, TOWNSHIP, Site

PAGE = f"/township/{TOWNSHIP}/intake"
FORM = {
    "key": "0123456789abcdef",
    "how": "call",
    "category": "1101",
    "urgency": "normal",
    "text": "垃圾没人收",
    "address": "3号楼",
}
PICTURE = "https://12345.example.cn/"
HEAD = "编号,类别,内容,经度,纬度,来电人,联系电话\n"


@pytest.fixture(scope="module", autouse=True)
def places(site: Site) -> None:
    make_places(site.couch)


@pytest.fixture
def clerk(site: Site) -> Iterator[httpx.Client]:
    with site.visit("triage1") as client:
        client.headers.update(HTML)
        yield client


def rows(client: httpx.Client, text: str, do: str = "check", file: bytes | None = None) -> httpx.Response:
    files = {"file": ("事项.csv", file, "text/csv")} if file is not None else {"file": ("", b"", "application/octet-stream")}
    return client.post(f"{PAGE}/rows", data={"rows": text, "do": do}, files=files)


def cases(site: Site) -> int:
    name = f"cases-{TOWNSHIP}"
    return len(site.couch.database(name).range("case:", "case:\ufff0", 999)) if site.couch.info([name])[name] else 0


def test_a_call_becomes_one_case_however_often_the_form_is_sent(site: Site, clerk: httpx.Client) -> None:
    form = FORM | {"grid": GRID_A, "caller_name": "王建国", "caller_phone": "13812345678"}
    first, again = (clerk.post(PAGE, data=form) for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    case = clerk.get(f"/api{first.headers['location']}").json()
    assert (case["source"], case["author"], case["grid"], case["has_caller"]) == ("call", "triage1", GRID_A, True)
    page = clerk.get(first.headers["location"]).text
    assert "来电登记" in page
    assert "王建国" not in page
    assert "13812345678" not in page


def test_links_of_a_form_are_kept_and_a_bad_one_is_said_in_words(clerk: httpx.Client) -> None:
    form = FORM | {"key": "with-links-0001", "links": f"{PICTURE}1.jpg\r\n{PICTURE}2.jpg\r\n"}
    made = clerk.post(PAGE, data=form)
    assert clerk.get(f"/api{made.headers['location']}").json()["links"] == [f"{PICTURE}1.jpg", f"{PICTURE}2.jpg"]
    wrong = clerk.post(PAGE, data=form | {"key": "with-links-0002", "links": "photo.jpg"})
    assert wrong.status_code == 422
    assert re.search(r'id="w-links">不是以 http:// 或 https:// 开头的完整网址<', wrong.text)
    assert ">photo.jpg</textarea>" in wrong.text


def test_a_place_that_is_not_known_yet_waits_at_the_township(clerk: httpx.Client) -> None:
    made = clerk.post(PAGE, data=FORM | {"key": "unplaced-000001"})
    case = clerk.get(f"/api{made.headers['location']}").json()
    assert (case["grid"], case["level"]) == (grids.unplaced(TOWNSHIP), "township")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"category": "9999"}, "category"),
        ({"grid": GRID_ELSEWHERE}, "grid"),
        ({"grid": f"{COMMUNITY}999"}, "grid"),
        ({"caller_phone": "call"}, "caller_phone"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(site: Site, clerk: httpx.Client, change: dict[str, str], field: str) -> None:
    before = cases(site)
    answer = clerk.post(PAGE, data=FORM | {"key": "wrong-00000001"} | change)
    assert answer.status_code == 422
    assert f'id="w-{field}"' in answer.text
    assert "3号楼" in answer.text
    assert cases(site) == before


def test_a_community_registers_for_its_own_grids_alone(site: Site) -> None:
    with site.visit("community1") as client:
        assert client.get(PAGE, headers=HTML).status_code == 200
        assert client.post(PAGE, data=FORM | {"key": "community-0001", "grid": GRID_A}).status_code == 303
        for grid in ("", GRID_ELSEWHERE):
            assert client.post(PAGE, data=FORM | {"key": "community-0002", "grid": grid}).status_code == 422
        assert "不在您的辖区" in rows(client, HEAD + "C-1,暴露垃圾,一堆垃圾,,,,\n").text


@pytest.mark.parametrize(("name", "status"), [("triage2", 404), ("worker1", 404), ("police1", 404), ("district1", 404)])
def test_nobody_else_registers_here(site: Site, name: str, status: int) -> None:
    with site.visit(name) as client:
        assert client.get(PAGE).status_code == status
        assert client.post(PAGE, data=FORM).status_code == status
        assert rows(client, HEAD).status_code == status


def test_a_file_is_checked_first_and_then_all_of_it_is_taken_in_once(site: Site, clerk: httpx.Client) -> None:
    before = cases(site)
    text = HEAD + f"F-1,暴露垃圾,一堆垃圾,{IN_A[1]},{IN_A[0]},王建国,13812345678\nF-2,1102,渣土,,,,\n"
    checked = rows(clerk, "", file=b"\xef\xbb\xbf" + text.encode())
    assert checked.status_code == 200
    assert "2 行都没有问题" in checked.text
    assert cases(site) == before
    taken = rows(clerk, text, "take")
    assert (taken.status_code, taken.headers["location"]) == (303, f"{PAGE}?taken=2")
    assert rows(clerk, text, "take").headers["location"] == f"{PAGE}?taken=0"
    assert cases(site) == before + 2


def test_one_wrong_row_and_none_is_taken_in(site: Site, clerk: httpx.Client) -> None:
    before = cases(site)
    text = HEAD + "G-1,暴露垃圾,好的,,,,\nG-2,飞碟,不好,,,,\nG-1,暴露垃圾,重复,,,,\nG-4,暴露垃圾,,,,,\nF-2,1102,另一种说法,,,,\n"
    rows(clerk, HEAD + "F-2,1102,渣土,,,,\n", "take")
    answer = rows(clerk, text, "take")
    assert answer.status_code == 422
    for said in ("第 3 行 · category", "第 4 行 · number", "第 5 行 · text", "第 6 行 · text"):
        assert said in answer.text
    assert cases(site) <= before + 1
    assert "G-2" in answer.text


LINK_HEAD = "编号,类别,内容,附件链接\n"


def test_a_files_rows_bring_links(clerk: httpx.Client, site: Site) -> None:
    text = LINK_HEAD + f"L-1,暴露垃圾,一堆垃圾,{PICTURE}1.jpg {PICTURE}2.jpg\nL-2,暴露垃圾,两堆垃圾,\n"
    assert rows(clerk, text, "take").headers["location"] == f"{PAGE}?taken=2"
    assert rows(clerk, text, "take").headers["location"] == f"{PAGE}?taken=0"
    kept = site.couch.database(f"cases-{TOWNSHIP}").range("case:", "case:\ufff0", 999)
    links = {case["origin"]["number"]: case.get("links") for case in kept if case["origin"]}
    assert (links["L-1"], links["L-2"]) == ([f"{PICTURE}1.jpg", f"{PICTURE}2.jpg"], None)
    other = rows(clerk, LINK_HEAD + f"L-1,暴露垃圾,一堆垃圾,{PICTURE}1.jpg\n")
    assert "第 2 行 · links: 与已登记的内容不同" in other.text


@pytest.mark.parametrize(
    ("written", "chinese", "english"),
    [
        ("javascript:alert(1)", "不是以 http:// 或 https:// 开头的完整网址", "not a whole address that begins with http://"),
        ("https://wang:x@a.cn/1.jpg", "链接里不能带用户名或密码", "must not carry a user name or password"),
        (f"{PICTURE}\\1.jpg", "链接里有空格、反斜杠或看不见的字符", "a backslash or invisible characters"),
        (f"{PICTURE}{'x' * 2000}", "有一个链接超过 2000 个字符", "a link has more than 2000 characters"),
        (" ".join([PICTURE] * 11), "链接超过 10 个", "more than 10 links"),
    ],
)
def test_a_bad_link_of_a_row_is_said_in_the_readers_language_and_none_is_taken_in(
    site: Site, clerk: httpx.Client, written: str, chinese: str, english: str
) -> None:
    before = cases(site)
    text = LINK_HEAD + f"M-1,暴露垃圾,好的,{PICTURE}1.jpg\nM-2,暴露垃圾,不好,{written}\n"
    answer = rows(clerk, text, "take")
    assert answer.status_code == 422
    assert f"第 3 行 · links: {chinese}" in answer.text
    clerk.cookies.set("lang", "en")
    assert english in rows(clerk, text).text
    assert cases(site) == before


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01",
        b"\xff\xfe\x00",
        "编号,类别\n".encode(),
        "编号,身份证号\n1,2\n".encode(),
        b'a,"b\n',
        b"",
        HEAD.encode() + b"x\n" * 600,
    ],
)
def test_what_is_no_such_file_is_refused_in_words(clerk: httpx.Client, raw: bytes) -> None:
    answer = rows(clerk, raw.decode("latin-1") if not raw else "", file=raw)
    assert answer.status_code == 422
    assert "未登记任何一行" in answer.text


def test_a_huge_file_is_refused(clerk: httpx.Client) -> None:
    assert rows(clerk, "", file=b"x" * 2_000_000).status_code == 413


def test_files_of_chinese_spreadsheets_are_read(clerk: httpx.Client) -> None:
    assert "1 行都没有问题" in rows(clerk, "", file=(HEAD + "H-1,暴露垃圾,一堆垃圾,,,,\n").encode("gb18030")).text


def test_what_is_left_empty_is_said_to_be_needed(clerk: httpx.Client) -> None:
    page = clerk.post(PAGE, data=FORM | {"grid": GRID_A, "category": ""}).text
    assert re.search(r'id="w-category">必填<', page)
