"""A case's whole life made by the forms of its page, each move by its people: nothing is sent that the page does not offer."""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import pytest
from PIL import Image

from server.cases import callers, store
from server.people import accounts
from tests.conftest import GRID_A, wait_until
from tests.server.web.site import HTML, HTMX, PASSWORD, TOWNSHIP, Site, shown_cases

UNITS = {"enforcement": ("综合执法队", "township"), "police": ("派出所", "township"), "bureau": ("执法局", "district")}


@dataclass
class Desk:
    """People at their desks around one case."""

    site: Site
    browsers: dict[str, httpx.Client]
    case: dict[str, Any] = field(default_factory=dict)

    def begin(self, **fields: Any) -> None:
        """A new case to work on."""
        self.case = self.site.make_case(**fields)

    def page(self, who: str) -> str:
        """The case's page as somebody sees it."""
        answer = self.browsers[who].get(f"/cases/{self.case['_id']}", headers=HTML)
        assert answer.status_code == 200, (who, answer.status_code)
        return answer.text

    def offered(self, who: str) -> list[str]:
        """The moves whose forms somebody's page has."""
        return re.findall(r'<input type="hidden" name="move" value="(\w+)">', self.page(who))

    def send(self, who: str, move: str, files: list[bytes] | None = None, page: str = "", **typed: str) -> httpx.Response:
        """Fill in the form of a move in a page and send it as the browser would."""
        fields = form_of(page or self.page(who), move)
        fields |= {name.replace("__", ":"): value for name, value in typed.items()}
        sent = [("files", (f"{n}.jpg", data, "image/jpeg")) for n, data in enumerate(files or [])]
        path = f"/cases/{self.case['_id']}/moves"
        return self.browsers[who].post(path, data=fields, files=sent or None, headers=HTMX)

    def move(self, who: str, name: str, state: str, **typed: Any) -> str:
        """Make a move, see the state after it; the answer's page."""
        answer = self.send(who, name, **typed)
        assert answer.status_code == 200, (who, name, re.findall(r'role="alert">(.*?)</div>', answer.text, re.S))
        assert f'class="chip state {state}"' in answer.text, (who, name)
        return answer.text


def form_of(page: str, move: str) -> dict[str, str]:
    """What a move's form holds when nobody types: hidden fields, what is proposed, what is ticked."""
    form = next(part for part in page.split("<form")[1:] if f'name="move" value="{move}"' in part).partition("</form>")[0]
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select id="[^"]*" name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        found[name] = unescape(chosen[0]) if chosen else ""
    found |= dict.fromkeys(re.findall(r'type="checkbox" name="([^"]+)" checked', form), "on")
    return found


def picture(shade: int) -> bytes:
    """A small photograph."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 90, 120)).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def desk(site: Site) -> Iterator[Desk]:
    """triage1, community1, dept1 (综合执法队), police (派出所), district1 and city1, signed in."""
    couch = site.couch
    couch.create("ref", replicated=True)
    docs = [
        {"_id": f"unit:{id}", "type": "unit", "name": {"zh-CN": zh}, "level": level, "area": GRID_A[:6]}
        for id, (zh, level) in UNITS.items()
    ]
    docs.append({"_id": f"township:{TOWNSHIP}", "type": "township", "code": TOWNSHIP, "name": {"zh-CN": "北京西路街道"}})
    couch.database("ref").bulk(docs)
    held: dict[str, tuple[str, dict[str, list[str]]]] = {
        "dept1": ("department", {"units": ["unit:enforcement"]}),
        "dept2": ("department", {"units": ["unit:police"]}),
        "head1": ("district", {"townships": [TOWNSHIP]}),
        "city1": ("city", {"townships": [TOWNSHIP]}),
    }
    people = [accounts.make(name, [role], {"zh-CN": name}, PASSWORD, **holds) for name, (role, holds) in held.items()]
    accounts.save_all(couch, people)
    with ExitStack() as stack:
        names = ("triage1", "community1", *held)
        yield Desk(site, {name: stack.enter_context(site.visit(name)) for name in names})


def dispatched(desk: Desk, **fields: Any) -> None:
    """A case that the township has dispatched to 综合执法队."""
    desk.begin(**fields)
    desk.move("triage1", "accept", "accepted")
    desk.move("triage1", "dispatch", "dispatched", unit="unit:enforcement", entry="", reason="占道经营归执法队")


def test_a_case_goes_from_its_community_through_a_unit_to_its_end(desk: Desk) -> None:
    desk.begin()
    desk.move("community1", "accept", "accepted")
    desk.move("community1", "escalate", "escalated", reason="社区无执法权")
    assert "accept" not in desk.offered("community1")
    desk.move("triage1", "accept", "accepted")
    desk.move("triage1", "file", "filed")
    desk.move(
        "triage1", "dispatch", "dispatched", unit="unit:enforcement", supporting__unit__police="on", entry="", reason="现场执法"
    )
    assert "现场执法" in desk.page("dept1")
    desk.move("dept1", "start", "in_hand")
    desk.move("dept1", "ask", "in_hand", what="extension", reason="需要拆除设备", amount="2", amount_unit="working_days")
    assert "需要拆除设备" in desk.page("triage1")
    assert {"grant", "deny"}.isdisjoint(desk.offered("dept1"))
    desk.move("triage1", "grant", "in_hand")
    desk.move("dept1", "answer", "answered", result="已拆除", files=[picture(40)])
    desk.move("triage1", "ask_verification", "verifying")
    desk.move("triage1", "verify", "verifying", outcome="solved", how="site", files=[picture(50)])
    page = desk.move("triage1", "close", "closed", result="已办结")
    assert "处理后" in page
    assert desk.offered("dept1") == ["remark"]
    page = desk.move("triage1", "rate", "closed", stars="2")
    assert "2 星" in page
    desk.move("triage1", "remedy", "closed", text="已回访并道歉")
    desk.move("triage1", "reopen", "accepted", reason="再次出现")


def test_a_unit_hands_back_and_the_township_dispatches_again_with_a_reason(desk: Desk) -> None:
    dispatched(desk)
    desk.move("dept1", "hand_back", "handed_back", reason="不属于本队职责")
    answer = desk.send("triage1", "dispatch", unit="unit:enforcement", entry="")
    assert answer.status_code in {409, 422}
    assert re.search(r'<option value="unit:enforcement" selected', answer.text)
    desk.move("triage1", "dispatch", "dispatched", unit="unit:police", entry="", reason="改派派出所")
    assert "hand_back" in desk.offered("dept2")


def test_what_the_township_cannot_do_is_transferred(desk: Desk) -> None:
    desk.begin()
    desk.move("triage1", "accept", "accepted")
    page = desk.move("triage1", "transfer", "transferred", authority="市生态环境局", reason="超出镇街权限")
    assert "市生态环境局" in page
    assert "按时" in page


def test_shelved_with_approval_and_taken_up_again(desk: Desk) -> None:
    dispatched(desk)
    desk.move("dept1", "ask", "dispatched", what="shelf", reason="待规划批复")
    desk.move("triage1", "grant", "shelved")
    desk.move("triage1", "unshelve", "dispatched", reason="批复已到")


def test_a_request_is_denied_and_another_granted_clock_goes_on(desk: Desk) -> None:
    dispatched(desk)
    desk.move("dept1", "ask", "dispatched", what="stop", reason="等材料")
    desk.move("triage1", "deny", "dispatched", reason="材料不需要")
    desk.move("dept1", "ask", "dispatched", what="stop", reason="法院鉴定")
    desk.move("triage1", "grant", "dispatched")
    assert "answer" not in desk.offered("dept1")
    desk.move("dept1", "resume", "dispatched", reason="鉴定完成")
    desk.move("dept1", "answer", "answered", result="已处理")


def test_what_is_not_good_enough_is_reworked(desk: Desk) -> None:
    dispatched(desk)
    desk.move("dept1", "answer", "answered", result="已处理")
    desk.move("triage1", "rework", "rework", reason="现场仍有杂物")
    desk.move("triage1", "urge", "rework", text="请尽快")
    desk.move("dept1", "start", "in_hand")
    desk.move("dept1", "answer", "answered", result="已清理")
    desk.move("triage1", "close", "closed", result="照片核对属实")


def test_its_community_solves_it_itself_and_another_looks(desk: Desk) -> None:
    desk.begin()
    desk.move("community1", "accept", "accepted")
    desk.move("community1", "take_on", "in_hand", text="社区自行处理")
    desk.move("community1", "answer", "answered", result="已清扫")
    assert "close" not in desk.offered("community1")
    desk.move("triage1", "close", "closed", result="核对照片属实")


def test_it_rises_to_the_district_and_the_city_and_never_falls(desk: Desk) -> None:
    desk.begin()
    desk.move("triage1", "accept", "accepted")
    desk.move("triage1", "escalate", "escalated", reason="跨镇街")
    desk.move("head1", "accept", "accepted")
    assert "accept" not in desk.offered("triage1")
    refused = desk.send("head1", "dispatch", unit="unit:enforcement", entry="", reason="请镇街办理")
    assert refused.status_code == 409
    assert "不能交回下级" in refused.text
    desk.move("head1", "escalate", "escalated", reason="跨区")
    desk.move("city1", "accept", "accepted")
    desk.move("city1", "take_on", "in_hand")
    desk.move("city1", "answer", "answered", result="已协调")


def test_smaller_moves_have_forms_too(desk: Desk) -> None:
    desk.begin(category="manhole")
    desk.move("triage1", "amend", "reported", reason="类别选错", urgency="urgent")
    desk.move("triage1", "remark", "reported", text="已电话联系", files=[picture(60)])
    desk.move("triage1", "send_task", "reported", kind="look_again", text="再看一次", days="2")
    desk.move("triage1", "refuse", "refused", reason="不属于受理范围")
    desk.begin()
    main = desk.site.make_case()
    desk.move("triage1", "merge", "merged", into=main["_id"])
    desk.move("triage1", "unmerge", "reported", reason="不是同一处")
    desk.move("triage1", "return", "returned", reason="照片看不清")


@pytest.mark.parametrize(("move", "state"), [("pass_check", "closed"), ("fail_check", "accepted")])
def test_a_case_put_right_on_the_spot_is_drawn_and_looked_at(desk: Desk, move: str, state: str) -> None:
    while desk.case.get("sample") != "due" or desk.case["state"] != "self_solved":
        desk.begin(solved={"text": "已扶正", "photos": []})
    assert desk.case["_id"] in shown_cases(desk.browsers["community1"].get("/turn", headers=HTML).text)
    desk.move("community1", move, state, **({"reason": "没有扶正"} if move == "fail_check" else {}))
    desk.case = {}


def test_a_case_that_changed_meanwhile_keeps_every_choice(desk: Desk) -> None:
    desk.begin()
    desk.move("triage1", "accept", "accepted")
    seen = desk.page("triage1")
    desk.move("triage1", "file", "filed")
    typed = {"unit": "unit:police", "supporting__unit__enforcement": "on", "entry": "", "reason": "治安问题"}
    answer = desk.send("triage1", "dispatch", page=seen, **typed)
    assert answer.status_code == 409
    kept = form_of(answer.text, "dispatch")
    assert (kept["unit"], kept.get("supporting:unit:enforcement")) == ("unit:police", "on")
    assert "治安问题</textarea>" in answer.text
    assert desk.send("triage1", "dispatch", page=answer.text, reason="治安问题").status_code == 200


def test_what_is_wrong_stands_beside_its_field_and_photos_need_no_second_choice(desk: Desk) -> None:
    dispatched(desk)
    answer = desk.send("dept1", "answer", result=" ", files=[picture(70)])
    assert answer.status_code == 422
    assert re.search(r'id="answer-result-wrong">请填写。', answer.text)
    kept = [name for name in form_of(answer.text, "answer") if name.startswith("photos:")]
    assert len(kept) == 1
    again = desk.send("dept1", "answer", page=answer.text, result="已处理")
    assert again.status_code == 200
    assert kept[0].removeprefix("photos:") in again.text


def test_a_file_that_is_no_picture_is_refused_in_words(desk: Desk) -> None:
    dispatched(desk)
    answer = desk.send("dept1", "answer", result="已处理", files=[b"%PDF-1.7 not a picture"])
    assert answer.status_code == 422
    assert "有文件不是图片" in answer.text


def test_a_units_people_see_the_photos_of_their_cases_and_no_others(desk: Desk) -> None:
    dispatched(desk)
    page = desk.move("dept1", "answer", "answered", result="已处理", files=[picture(80)])
    [photo] = set(re.findall(r"/api/photos/(photo:[0-9a-f-]+)/original", page))
    original = f"/api/photos/{photo}/original"
    wait_until(lambda: desk.browsers["dept1"].get(original).status_code == 200, what="the photo")
    assert desk.browsers["triage1"].get(original).status_code == 200
    assert desk.browsers["dept2"].get(original).status_code == 404
    with desk.site.visit("triage2") as other:
        assert other.get(original).status_code == 404


def test_who_called_is_shown_for_a_purpose_and_to_the_unit_only_once_released(desk: Desk) -> None:
    dispatched(desk)
    database = desk.site.couch.database(f"cases-{TOWNSHIP}")
    first = next(
        event for event in database.range("event:", "event:\ufff0", 1000) if event["case"] == desk.case["_id"] and event["n"] == 0
    )
    database.put(first | {"report": first["report"] | {"has_caller": True}})
    database.bulk([{"_id": callers.caller_id(desk.case["_id"]), "type": "caller", "name": "李女士", "phone": "13900000000"}])
    store.refold(database, desk.case["_id"])
    path = f"/cases/{desk.case['_id']}/caller"
    assert "李女士" not in desk.page("triage1")
    assert desk.browsers["triage1"].post(path, data={"purpose": " "}, headers=HTMX).status_code == 422
    assert "李女士" in desk.browsers["triage1"].post(path, data={"purpose": "回访"}, headers=HTMX).text
    assert desk.browsers["dept1"].post(path, data={"purpose": "上门"}, headers=HTMX).status_code == 403
    desk.move("triage1", "release_caller", "dispatched", reason="须上门联系")
    assert "13900000000" in desk.browsers["dept1"].post(path, data={"purpose": "上门"}, headers=HTMX).text
