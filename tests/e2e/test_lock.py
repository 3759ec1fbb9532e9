"""The phone's lock in real Chromium: households saved offline, a killed browser, wrong PINs, what a locked phone hands over.

Time that a person would have to wait is taken off the clock in the phone's own storage; nothing else there is touched.
"""

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from sync.couch import Couch
from tests.browsers import HOLD_BACK, PHONE, PIN, Phone, picture, wait_for
from tests.running import PASSWORD, RunningSystem

pytestmark = pytest.mark.e2e
# A phone's own reader that knows its user and can make secrets (WebAuthn's PRF extension).
FINGERPRINT = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "hasPrf": True,
}
ADDRESS, NAME, FINDING = "同心北街 77 号", "锁测试李奶奶", "煤气阀门老化"

RAW = """async () => {
  const text = [], decoder = new TextDecoder();
  const read = async (value) => {
    if (value instanceof Blob) value = await value.arrayBuffer();
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) text.push(decoder.decode(value));
    else if (value && typeof value === 'object') for (const one of Object.values(value)) await read(one);
    else text.push(String(value));
  };
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  for (const { name } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames) await read(await done(db.transaction(store).objectStore(store).getAll()));
    db.close();
  }
  return text.join('\\n');
}"""
STATE = """async ([name, changes]) => {
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const db = await done(indexedDB.open('xunge-own-worker1'));
  const transaction = db.transaction('state', 'readwrite');
  const written = new Promise((resolve) => (transaction.oncomplete = resolve)); // a browser is killed next
  const store = transaction.objectStore('state');
  const held = await done(store.get(name));
  if (changes) store.put({...held, ...changes}, name);
  await written;
  db.close();
  return held && {...held, key: undefined, device: undefined};
}"""


# Whether the draft that this page would be filled with says so.
DRAFT_SAYS = """async (text) => {
  const page = await (await fetch(location.href)).text();
  const kept = new DOMParser().parseFromString(page, 'text/html').querySelector('[data-sealed-draft]');
  return kept !== null && kept.dataset.sealedDraft.includes(text);
}"""
# A page knows how the lock stands once it has heard so, and heeds what is said otherwise from then on.
HEARS_IT_IS_OPEN = """() => new Promise((resolve) => {
  const channel = new BroadcastChannel('xunge');
  channel.onmessage = ({data}) => { if (data.type === 'open') resolve(true); };
  navigator.serviceWorker.controller.postMessage({type: 'idle'});
})"""


def state(page: Page, name: str, **changes: Any) -> Any:
    """A piece of the user's small state, perhaps changed."""
    return page.evaluate(STATE, [name, changes or None])


def save_household(page: Page, room: str = "") -> str:
    """Through the form, one for each room; its address."""
    page.fill("#address", ADDRESS)
    page.fill("#room", room)
    page.fill("#contact_name", NAME)
    page.check("[name=how][value=consent_spoken]", force=True)
    page.click(".action button")
    page.wait_for_url("**/m/homes/household:*")
    return page.url.partition("?")[0]


def lock(phone: Phone) -> None:
    """By the button of a page that is open."""
    phone.page.click("header form button")
    phone.page.wait_for_selector("#pin")


def try_pin(page: Page, pin: str) -> str:
    """A PIN at the lock page; what it says."""
    page.fill("#pin", pin)
    page.click("form:has(#pin) button")
    page.wait_for_selector("#form-errors .notice")
    return page.inner_text("#form-errors")


def test_a_household_saved_offline_is_locked_away_and_arrives_after_unlocking(phone: Phone, system: RunningSystem) -> None:
    phone.context.set_offline(True)
    phone.open("/m/homes/new")
    household = save_household(phone.page)
    phone.page.reload()
    assert NAME in phone.page.inner_text("main"), "a page that is loaded anew stays open"
    raw = phone.page.evaluate(RAW)
    assert "household:" in raw
    assert not [secret for secret in (NAME, ADDRESS) if secret in raw]
    lock_before_open_pages(phone)
    phone.open("/m/")
    assert "入户资料已锁定" in phone.page.inner_text("main")
    phone.kill()
    phone.context.set_offline(True)
    phone.page.goto(household)
    phone.page.wait_for_selector("#pin")
    picture(phone.page, "phone-lock-zh-CN")
    assert [try_pin(phone.page, "000000") for _ in range(4)][2].strip() == "PIN 码不对，还可以试 7 次。"
    assert "请在" in phone.page.inner_text("#form-errors")
    # Half a minute by now; a browser may take longer to start, and a quarter of an hour comes of a few more tries.
    state(phone.page, "vault-tries", wrong=7, not_before_ms=(time.time() + 15 * 60) * 1000)
    phone.kill()
    phone.context.set_offline(True)
    phone.page.goto(household)
    assert "请在" in phone.page.inner_text("#form-errors"), "a restart gives nobody another try"
    assert "请在" in try_pin(phone.page, PIN)
    wait_for(phone.page, "document.activeElement.id === 'pin' && document.activeElement.value === ''")
    state(phone.page, "vault-tries", not_before_ms=0)
    phone.page.fill("#pin", PIN)
    phone.page.click("form:has(#pin) button")
    phone.page.wait_for_selector(f"main:has-text('{NAME}')")
    assert phone.page.url == household, "on to where the user was going"
    phone.page.click("a[href$='/visits/new']")
    fill_visit_and_come_back(phone.page)
    phone.page.click(".action button")
    phone.page.wait_for_selector(f"main:has-text('{FINDING}')")
    phone.context.set_offline(False)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    wait_for(phone.page, "document.querySelector('header').innerText.includes('已全部送达')")
    id = household.rpartition("/")[2]
    held = Couch(system.store_url()).database(f"home-{id_grid(phone)}").get(id)
    assert (held["contact_name"], held["address"]) == (NAME, ADDRESS)


def lock_before_open_pages(phone: Phone) -> None:
    """Locks the phone while other pages show what was open: they are drawn anew without it."""
    today, me = phone.context.new_page(), phone.context.new_page()
    today.goto(f"{phone.system.url}/m/")
    today.wait_for_selector(f"main:has-text('{ADDRESS}')")
    me.goto(f"{phone.system.url}/m/me")
    me.wait_for_selector("#lock form[action='/m/lock/minutes']")
    for page in (today, me):
        page.evaluate(HEARS_IT_IS_OPEN)
    phone.page.bring_to_front()
    lock(phone)
    today.wait_for_selector(f"main:not(:has-text('{ADDRESS}'))")
    me.wait_for_selector("#lock:not(:has(form[action^='/m/lock'][method=post]:not([data-prf-user]))) a[href='/m/lock?to=/m/me']")
    for page in (today, me):
        page.close()


def fill_visit_and_come_back(page: Page) -> None:
    """A visit's form is there again after it was loaded anew, with the questions of its kind and what was answered."""
    page.click("#kind .choice:has([value=tenant])")
    page.click("#answer-has_contract .choice >> nth=1")
    page.fill("#answer-people", "三")
    page.fill("#findings", FINDING)
    wait_for(page, DRAFT_SAYS, FINDING)
    page.reload()
    wait_for(page, f"document.querySelector('#findings')?.value === '{FINDING}'")
    assert page.is_checked("[name=kind][value=tenant]")
    assert page.is_checked("[name=answer-has_contract][value=no]")
    page.click(".action button")
    page.wait_for_selector("#answer-people-error:has-text('0 到 50')")
    page.fill("#answer-people", "3")


def id_grid(phone: Phone) -> str:
    """The grid that a new household goes to."""
    phone.open("/m/homes/new")
    return phone.page.input_value("[name=grid]:checked, [name=grid][type=hidden], select[name=grid]")


def test_a_browser_that_is_killed_while_it_is_open_is_locked_when_it_starts_again(phone: Phone) -> None:
    phone.open("/m/homes")
    assert state(phone.page, "unlocked")
    phone.kill()
    phone.page.goto(f"{phone.system.url}/m/homes")
    phone.page.wait_for_selector("#pin")
    assert state(phone.page, "unlocked") is None
    phone.unlock()


def test_only_who_opens_the_app_anew_finds_it_closed(phone: Phone) -> None:
    """A page that gives way to the next one is nobody's for a moment, while what it had asked for is still being answered."""
    phone.open("/m/homes")
    worker = phone.worker()
    worker.evaluate("() => { clients.matchAll = async () => []; navigator.locks.query = async () => ({held: []}); }")
    part = "fetch('/m/homes', {headers: {'HX-Request': 'true'}}).then((answer) => answer.text())"
    assert 'type="search"' in phone.page.evaluate(part), "what a page asks for proves nothing"
    phone.open("/m/homes")
    phone.page.wait_for_selector("#pin")
    worker.evaluate("() => { delete clients.matchAll; delete navigator.locks.query; }")
    phone.unlock()


def test_a_page_that_was_asked_for_while_it_was_open_does_not_stay_when_it_is_drawn_after_it_was_locked(phone: Phone) -> None:
    phone.open("/m/homes/new")
    save_household(phone.page, "201")
    phone.open("/m/")
    phone.page.evaluate(HEARS_IT_IS_OPEN)
    phone.page.evaluate(HOLD_BACK, "data-sealed")
    phone.page.click("nav a[href='/m/homes']")
    wait_for(phone.page, "window.held === 1")
    other = phone.context.new_page()
    other.goto(f"{phone.system.url}/m/homes")
    other.wait_for_selector("[data-sealed]")
    other.click("header form button")
    other.wait_for_selector("#pin")
    other.close()
    phone.page.evaluate("window.letGo()")
    phone.page.wait_for_selector("#pin")
    assert ADDRESS not in phone.page.content()
    phone.unlock()


def test_what_is_being_typed_when_it_locks_by_itself_is_there_after_unlocking(phone: Phone) -> None:
    phone.open("/m/homes/new")
    phone.page.fill("#address", "正在填写的地址")
    phone.page.check("[name=how][value=consent_spoken]", force=True)
    wait_for(phone.page, DRAFT_SAYS, '["how","consent_spoken"]')
    state(phone.page, "unlocked", until_ms=1)
    phone.page.evaluate("navigator.serviceWorker.controller.postMessage({type: 'idle'})")
    phone.page.wait_for_selector("#pin")
    assert "正在填写" not in phone.page.content()
    assert "正在填写" not in phone.page.evaluate(RAW)
    phone.page.fill("#pin", PIN)
    phone.page.click("form:has(#pin) button")
    phone.page.wait_for_selector("[data-sealed-draft]")
    wait_for(phone.page, "document.querySelector('#address').value === '正在填写的地址'")
    assert phone.page.is_checked("[name=how][value=consent_spoken]")
    phone.page.click("[data-sealed-draft] a")
    wait_for(phone.page, "!document.querySelector('[data-sealed-draft]')")
    assert phone.page.input_value("#address") == ""
    phone.page.fill("#address", "重新填写的地址")
    wait_for(phone.page, DRAFT_SAYS, "重新填写的地址")  # what is filled in afresh is kept, too
    phone.page.reload()
    wait_for(phone.page, "document.querySelector('#address').value === '重新填写的地址'")
    save_household(phone.page, "301")
    phone.open("/m/homes/new")
    assert not phone.page.query_selector("[data-sealed-draft]"), "what was saved is no draft any more"
    assert phone.page.input_value("#address") == ""


def test_whoever_forgot_the_pin_sets_a_new_one_by_password_and_unsent_records_survive(
    phone: Phone, system: RunningSystem
) -> None:
    phone.context.set_offline(True)
    phone.open("/m/homes/new")
    household = save_household(phone.page, "302")
    lock(phone)
    state(phone.page, "vault-tries", wrong=10, not_before_ms=0)
    phone.page.goto(household)
    assert "账号密码" in phone.page.inner_text("#form-errors")
    assert not phone.page.query_selector("#pin")
    phone.page.click("a[href^='/m/pin/forgotten']")
    for name, value in (("password", PASSWORD), ("pin", "975310"), ("again", "975310")):
        phone.page.fill(f"#{name}", value)
    phone.page.click(".action button")
    phone.page.wait_for_selector("#form-errors .notice:has-text('没有网络')")
    phone.context.set_offline(False)
    phone.page.click(".action button")
    phone.page.wait_for_selector(f"main:has-text('{NAME}')")
    wait_for(phone.page, "document.querySelector('header').innerText.includes('已全部送达')")
    state(phone.page, "vault-tries", wrong=0)
    lock(phone)
    phone.open("/m/lock")
    assert "PIN 码不对" in try_pin(phone.page, PIN), "the old one opens nothing"
    phone.page.fill("#pin", "975310")
    phone.page.click("form:has(#pin) button")
    phone.page.wait_for_selector("main:not(:has(#pin))")


def test_a_revoked_phone_hands_over_what_is_locked_and_wipes_itself_keys_and_all(phone: Phone, system: RunningSystem) -> None:
    phone.context.set_offline(True)
    phone.open("/m/homes/new")
    household = save_household(phone.page, "303").rpartition("/")[2]
    lock(phone)
    phone.open("/m/me")
    device = phone.page.inner_text("dt:has-text('编号') + dd, dt:has-text('设备') + dd")
    desk = system.desk("admin")
    assert desk.delete(f"{system.url}/api/devices/{device}", timeout=10).status_code == 204
    phone.context.set_offline(False)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    phone.page.wait_for_url("**/m/sign-in")
    wait_for(phone.page, "indexedDB.databases().then(all => !all.some(one => one.name.includes('worker1')))")
    entries = Couch(system.store_url()).database("quarantine").range("refused:", "refused:\ufff0", 1000)
    [entry] = [entry for entry in entries if entry["about"]["id"] == household]
    assert (entry["reason"], entry["document"]["contact_name"]) == ("rescued", NAME)


def test_a_fingerprint_opens_the_lock_and_a_finger_that_is_not_known_leaves_the_pin(
    playwright: Playwright, system: RunningSystem, tmp_path: Path
) -> None:
    by_name = RunningSystem(system.data)
    by_name.url = system.url.replace("127.0.0.1", "localhost")  # a credential belongs to a name, never to an address
    options: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "locale": "zh-CN"}
    phone = Phone(playwright, tmp_path / "profile", by_name, **options)
    phone.enrol("worker2")
    reader = phone.context.new_cdp_session(phone.page)
    reader.send("WebAuthn.enable")
    authenticator = reader.send("WebAuthn.addVirtualAuthenticator", {"options": FINGERPRINT})["authenticatorId"]
    phone.open("/m/me")
    phone.page.click("[data-prf-offer] summary")
    phone.page.fill("[data-prf-offer] #pin", PIN)
    phone.page.click("[data-prf-offer] button")
    wait_for(phone.page, "document.querySelector('[data-prf-offer]')?.textContent.includes('已开启')")

    ask_for_lock(phone)
    picture(phone.page, "phone-lock-fingerprint-zh-CN")
    phone.page.click("form[data-prf] button")
    phone.page.wait_for_selector("[type=search]")

    reader.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    ask_for_lock(phone)
    phone.page.click("form[data-prf] button")
    phone.page.wait_for_selector("#form-errors:has-text('没有成功')")
    phone.page.fill("#pin", PIN)
    phone.page.click("form:has(#pin) button")
    phone.page.wait_for_selector("[type=search]")
    phone.context.close()


def ask_for_lock(phone: Phone) -> None:
    """Locks, and asks for what is sealed."""
    phone.open("/m/homes")
    lock(phone)
    phone.open("/m/homes")
    phone.page.wait_for_selector("form[data-prf]")
