"""A phone's beat and cases, in real Chromium: a police visit that raises a report, and what becomes of a worker's own reports.

Whatever is written is written without network; the desk acts by its API.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.browsers import HOLD_BACK, NOTHING_TYPED, REDRAW, Phone, picture, wait_for
from tests.e2e.test_main_flow import MOBILE, databases_of, photograph_phone, report, send
from tests.e2e.test_tasks import case_at, move
from tests.media.photographs import camera_jpeg
from tests.running import PASSWORD, RunningSystem, until

pytestmark = pytest.mark.e2e
LANGUAGES = ("en", "zh-CN")
WANTED = {
    "township": "640105002",
    "basis": "criminal_case",
    "document_no": "〔2026〕15 号",
    "purpose": "核实证人住处",
    "address": "同心北街 3-501",
    "period_from": "2026-01-01",
    "period_to": "2026-01-31",
    "days": "3",
    "fact:address": "on",
}


@pytest.fixture(scope="module")
def worker(system: RunningSystem, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    """The phone of worker1."""
    phone = Phone(playwright, tmp_path_factory.mktemp("worker") / "profile", system, **MOBILE)
    phone.enrol("worker1")
    yield phone
    phone.context.close()


def case_of(system: RunningSystem, text: str) -> dict[str, Any]:
    """The case of the report that says so, once it is there, with all its facts."""
    desk = system.desk()
    found = until(lambda: next(iter(system.cases(desk, q=text)), None), f"the case of {text}", 60)
    return case_at(system, desk, found["id"])  # type: ignore[index]


def reported(phone: Phone, system: RunningSystem, text: str, photos: list[Path]) -> tuple[str, dict[str, Any]]:
    """The page of a report that was made without network, and its case."""
    phone.context.set_offline(True)
    report(phone, text, "0101", photos)
    record = phone.page.url.removeprefix(system.url).partition("?")[0]
    phone.context.set_offline(False)
    return record, case_of(system, text)


TYPED_EARLY = """document.addEventListener('readystatechange', () => {
  const field = document.querySelector('[type=search]');
  if (document.readyState === 'interactive' && field) field.value = 'zzzz';
})"""


def wait_for_chip(phone: Phone, record: str, state: str) -> None:
    phone.open(record)
    phone.page.wait_for_selector(f".chip:has-text('{state}')", timeout=60_000)


def test_a_visit_in_a_compound_raises_a_report_and_no_household_is_on_the_phone(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    phone = Phone(playwright, tmp_path / "police", system, **MOBILE)
    phone.enrol("police1")
    phone.open("/m/visits")
    phone.page.wait_for_selector("ul.rows a.row", timeout=60_000)
    name = phone.page.inner_text("ul.rows a.row .lead")
    phone.context.set_offline(True)
    phone.page.fill("input[name=q]", "zzzz")
    phone.page.wait_for_selector(".empty")
    phone.page.fill("input[name=q]", name[:2])
    phone.page.click("#live ul.rows a.row")
    phone.page.click(".action a[href*='compound=']")  # the list has one, too, that knows of no compound
    phone.page.fill("#address", "老马超市")
    phone.page.click("#kind label >> nth=0")
    phone.page.fill("#findings", "灭火器过期两具")
    phone.page.click("label:has([name=raise])")
    picture(phone.page, "phone-police-visit-zh-CN", full_page=True)
    send(phone, "#report-form")
    assert phone.page.input_value("#address") == f"{name} 老马超市"
    phone.page.set_input_files("[data-gallery]", [camera_jpeg(tmp_path / "a.jpg", orientation=1, text="1")])
    phone.page.evaluate("document.querySelector(`input[name=category][value='3101']`).click()")
    phone.page.fill("#text", "超市灭火器过期")
    send(phone, ".gallery img")
    phone.open("/m/visits/log")
    phone.page.click("ul.rows a.row")
    phone.page.wait_for_selector(".rows a[href^='/m/records/report:']")
    phone.context.set_offline(False)
    assert case_of(system, "超市灭火器过期")["source"] == "police"
    phone.page.wait_for_selector(".rows .chip:has-text('待受理')", timeout=60_000)
    visit, compound = phone.page.url.removeprefix(system.url), f"/m/compounds/{compound_of(phone)}"
    assert not [name for name in databases_of(phone) if "/home-" in name]
    form = f"/m/visits/new?compound={compound.rpartition('/')[2]}"
    pages = {"phone_police_record": visit, "phone_police_form": form, "phone_visit_log": "/m/visits/log"}
    for language in LANGUAGES:
        photograph_phone(phone, language, phone_beat="/m/visits", phone_compound=compound, **pages)
    the_answer_is_read_and_signing_out_ends_that_session_too(phone, system)
    phone.context.close()


def the_answer_is_read_and_signing_out_ends_that_session_too(phone: Phone, system: RunningSystem) -> None:
    """What the township answered shows on Today; its page is the desk's, whose session the phone's next user must not have."""
    officer, triage, page = system.desk("police1"), system.desk(), phone.page
    asked = (
        officer.post(f"{system.url}/requests", data=WANTED, allow_redirects=False, timeout=10)
        .headers["location"]
        .partition("?")[0]
    )
    triage.post(f"{system.url}{asked}/decision", data={"verdict": "refuse", "reason": "依据不足"}, timeout=10)
    phone.open("/m/")
    page.wait_for_selector("main a[href='/requests']")
    for language in LANGUAGES:
        photograph_phone(phone, language, phone_requests_today="/m/", phone_requests_me="/m/me")
    phone.open("/m/")
    page.click("main a[href='/requests']:has-text('1 份')")
    page.wait_for_selector("text=用自己的账号再登录一次")
    assert page.evaluate("document.documentElement.scrollWidth") <= MOBILE["viewport"]["width"]
    picture(page, "phone-requests-sign-in-zh-CN", full_page=True)
    page.fill("#username", "police1")
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.click(".asking a")
    page.wait_for_selector("text=依据不足")
    phone.open("/m/me")
    page.wait_for_selector("main .notice:has-text('申请有答复')", state="detached")
    assert "xunge_session" in cookies_of(phone)
    phone.open("/m/session/end")
    page.click("main form button")
    page.wait_for_selector("#username")
    until(lambda: "xunge_session" not in cookies_of(phone), "the desk's session ended")


def cookies_of(phone: Phone) -> set[str]:
    return {str(cookie.get("name")) for cookie in phone.context.cookies()}


def test_what_is_typed_is_found_whatever_the_list_is_doing(system: RunningSystem, playwright: Playwright, tmp_path: Path) -> None:
    phone = Phone(playwright, tmp_path / "police", system, **MOBILE)
    phone.enrol("police1")
    phone.open("/m/visits")
    page = phone.page
    page.wait_for_selector("#live ul.rows a.row", timeout=60_000)
    phone.context.set_offline(True)
    page.evaluate(HOLD_BACK, NOTHING_TYPED)
    page.evaluate("() => { document.body.dispatchEvent(new CustomEvent('xunge:changed', {bubbles: true})); }")
    wait_for(page, "() => window.held > 0")
    page.fill("[type=search]", "zzzz")
    page.wait_for_selector("#live .empty")
    page.evaluate("() => window.letGo()")
    for _ in range(2):
        page.evaluate(REDRAW)
        assert page.is_visible("#live .empty")
    page.fill("[type=search]", "")
    page.wait_for_selector("#live ul.rows a.row")

    page.add_init_script(TYPED_EARLY)
    page.reload()
    page.wait_for_selector("#live .empty")
    phone.context.close()


# The page's end can be scrolled clear of what lies over it: the third answer can be tapped.
IS_FREE = """() => {
  const button = document.querySelector('button[value=declined]');
  const { x, y, width, height } = button.getBoundingClientRect();
  return button === document.elementFromPoint(x + width / 2, y + height - 2);
}"""


def compound_of(phone: Phone) -> str:
    return str(phone.page.evaluate("fetch('/m/visits').then(r => r.text()).then(t => /compounds.(compound:[^\"]+)/.exec(t)[1])"))


def test_a_returned_report_is_put_right_with_its_photo_kept_and_accepted(
    system: RunningSystem, worker: Phone, tmp_path: Path
) -> None:
    photos = [camera_jpeg(tmp_path / f"{n}.jpg", orientation=1, text=str(n)) for n in range(2)]
    record, case = reported(worker, system, "井盖缺角", photos[:1])
    desk = system.desk()
    worker.open("/m/cases")  # the record's own page would show what became of it, and it would be no news here
    move(system, desk, case["id"], "return", reason="请写清楚在几号楼")
    worker.page.wait_for_selector(".bad-text:has-text('几号楼')", timeout=60_000)
    worker.page.wait_for_selector(".chip:has-text('有进展')")
    for language in LANGUAGES:
        photograph_phone(worker, language, phone_cases="/m/cases", phone_cases_needs="/m/cases?show=needs")
    worker.context.set_offline(True)
    worker.open(record)
    picture(worker.page, "phone-record-returned-zh-CN", full_page=True)
    worker.page.click(".action a.button")
    worker.page.wait_for_selector("#category")
    wait_for(worker.page, "document.querySelector('.shots img').naturalWidth > 0")
    assert worker.page.input_value("#text") == "井盖缺角"
    worker.page.fill("#text", "井盖缺角，7号楼西侧")
    worker.page.set_input_files("[data-gallery]", photos[1:])
    worker.page.wait_for_selector("[data-shots] img[src]")
    wait_for(worker.page, "fetch(location.href).then(answer => answer.text()).then(text => /data-key[^]*西侧/.test(text))")
    worker.page.reload()
    wait_for(worker.page, "document.querySelector('[data-shots] img').naturalWidth > 0")
    assert worker.page.input_value("#text") == "井盖缺角，7号楼西侧", "a closed browser loses nothing of it"
    picture(worker.page, "phone-resend-zh-CN", full_page=True)
    send(worker, ".notice.good")
    worker.open("/m/cases")
    assert "待我处理" not in worker.page.inner_text("main")
    worker.context.set_offline(False)
    found = partial(case_at, system, desk, case["id"])
    until(lambda: found()["state"] == "reported", "it came again", 60)
    again = found()
    assert [*case["photos"], *again["photos"][1:]] == again["photos"]
    assert len(again["photos"]) == 2
    assert again["events"][-1]["text"] == "井盖缺角，7号楼西侧"
    move(system, desk, case["id"], "accept")
    wait_for_chip(worker, record, "已受理")
    assert "北京西路街道" in worker.page.inner_text(".steps")
    for language in LANGUAGES:
        photograph_phone(worker, language, phone_record_again=record)


def test_a_verification_that_found_nothing_solved_moves_the_case(system: RunningSystem, worker: Phone, tmp_path: Path) -> None:
    _, case = reported(worker, system, "路灯不亮", [camera_jpeg(tmp_path / "a.jpg", orientation=1, text="1")])
    desk = system.desk()
    for name, fields in (
        ("accept", {}),
        ("take_on", {}),
        ("answer", {"result": "已修"}),
        ("ask_verification", {"text": "晚上去看"}),
    ):
        move(system, desk, case["id"], name, **fields)
    worker.open("/m/cases")
    worker.page.wait_for_selector("a.row[href^='/m/tasks/']", timeout=60_000)
    worker.context.set_offline(True)
    worker.page.click("a.row[href^='/m/tasks/']")
    worker.page.wait_for_selector("#reply-form")
    picture(worker.page, "phone-verify-zh-CN")
    worker.page.click("#outcome .stop")
    worker.page.wait_for_selector("#text-error:has-text('原因')")
    worker.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    wait_for(worker.page, IS_FREE)
    picture(worker.page, "phone-verify-refused-zh-CN")
    worker.page.fill("#text", "还是不亮")
    worker.page.set_input_files("[data-gallery]", [camera_jpeg(tmp_path / "b.jpg", orientation=1, text="2")])
    worker.page.click("#outcome .stop")  # at once: it waits for the photo and still knows which answer was tapped
    worker.page.wait_for_selector(".notice.good")
    worker.open("/m/cases")
    assert not worker.page.is_visible("a.row[href^='/m/tasks/']")
    worker.context.set_offline(False)
    found = partial(case_at, system, desk, case["id"])
    until(lambda: (found()["verification"] or {}).get("outcome") == "not_solved", "the finding", 60)
    assert found()["events"][-1]["photos"]
    move(system, desk, case["id"], "rework", reason="核查未解决")
    assert found()["state"] == "rework"


def test_a_report_is_withdrawn_before_it_is_accepted(system: RunningSystem, worker: Phone, tmp_path: Path) -> None:
    record, case = reported(worker, system, "报错了地方", [camera_jpeg(tmp_path / "a.jpg", orientation=1, text="1")])
    wait_for_chip(worker, record, "待受理")
    worker.context.set_offline(True)
    worker.page.click("a[href$='intent=withdraw']")
    worker.page.wait_for_selector("#text")
    worker.page.fill("#text", "看错了，已经修好")
    picture(worker.page, "phone-withdraw-zh-CN")
    send(worker, ".steps")
    assert not worker.page.is_visible("a[href$='intent=withdraw']")
    worker.context.set_offline(False)
    until(lambda: case_at(system, system.desk(), case["id"])["state"] == "withdrawn", "withdrawn", 60)
    wait_for_chip(worker, record, "已撤回")
    worker.open("/m/cases")
    worker.page.fill("[type=search]", "报错了")
    wait_for(worker.page, "document.querySelectorAll('#live a.row').length === 1")
    worker.page.click("#live a.row")
    worker.page.wait_for_selector(".steps")
    worker.page.go_back()
    worker.page.wait_for_selector("[type=search]")
    assert worker.page.input_value("[type=search]") == "报错了"
    assert worker.page.locator("#live a.row").count() == 1
    worker.open("/m/cases?show=ended")
    assert worker.page.is_visible(".row:has-text('报错了地方') .chip:has-text('已撤回')")
    pages = {"phone_cases_going": "/m/cases?show=going", "phone_cases_ended": "/m/cases?show=ended"}
    for language in LANGUAGES:
        photograph_phone(worker, language, phone_cases_found="/m/cases?q=hcz", **pages)
