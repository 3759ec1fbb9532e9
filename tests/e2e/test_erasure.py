"""One person's data erased, in real Chromium: worker1's phone has the household and edits it offline, the desk erases it,
the phone's edit is refused as erased and everything of it leaves the phone.
"""

import orjson
import pytest
from playwright.sync_api import Page, Playwright

from sync.couch import Couch
from sync.databases import ERASURES, QUARANTINE
from tests.browsers import DESK, Phone, picture, sign_in, start_chromium, wait_for
from tests.e2e.test_lock import RAW
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e
ADDRESS, NAME, LATER, MEMBER = "同心北街 47 号", "删除测试王奶奶", "离线改的名字", "删除测试王小明"

# The fields that PouchDB still keeps of any version of a document.
BODIES = """async ([database, id]) => {
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const db = await done(indexedDB.open(`_pouch_xunge/worker1/${database}`));
  const rows = await done(db.transaction('by-sequence').objectStore('by-sequence').getAll());
  db.close();
  const own = rows.filter((row) => row._doc_id_rev.startsWith(`${id}::`));
  return own.flatMap((row) => Object.keys(row).filter((name) => !['_doc_id_rev', '_deleted'].includes(name)));
}"""
OUTBOX = """async () => {
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const db = await done(indexedDB.open('xunge-own-worker1'));
  const found = await Promise.all(['outbox', 'refused'].map((name) => done(db.transaction(name).objectStore(name).getAll())));
  db.close();
  return found.map((rows) => rows.map(({id, reason, doc}) => [id.split(':')[0], reason ?? '', Boolean(doc)]));
}"""


def test_an_erased_household_leaves_the_phone_and_its_offline_edit_is_refused(
    phone: Phone, system: RunningSystem, playwright: Playwright
) -> None:
    couch, page = Couch(system.store_url()), phone.page
    household = made_household(phone)
    database = str(until(lambda: home_of(couch, household), "the household at the server"))
    assert "sealed" in page.evaluate(BODIES, [database, household])
    phone.context.set_offline(True)
    phone.open(f"/m/homes/{household}/edit")
    page.fill("#contact_name", LATER)
    page.click(".action button")
    page.wait_for_selector(f"text={LATER}")
    erase_at_the_desk(playwright, system, couch, database, household)
    phone.context.set_offline(False)
    phone.open("/m/sync")
    wait_for(page, "document.body.innerText.includes('已按要求删除')")
    picture(page, "phone-erased-sync")
    assert page.evaluate(OUTBOX) == [[], [["household", "erased_id", False]]]
    wait_for(page, f"({BODIES})(['{database}', '{household}']).then((left) => left.length === 0)")
    phone.open(f"/m/homes/{household}")
    assert "永久删除" in page.inner_text("main")
    picture(page, "phone-erased-household")
    phone.open("/m/homes")
    wait_for(page, "text => !document.querySelector('main').innerText.includes(text)", ADDRESS)
    until(lambda: not said_in(page.evaluate(RAW)), "nothing of it on the phone, its member's versions included")
    until(lambda: not told(couch), "nothing of it at the server")
    refused = couch.database(QUARANTINE).range("refused:", "refused:\ufff0", 10)
    assert [(entry["reason"], entry["state"], entry["about"]["id"]) for entry in refused] == [("erased_id", "dismissed", None)]


def made_household(phone: Phone) -> str:
    """Through the phone's forms, with a member; its id."""
    page = phone.page
    phone.open("/m/homes/new")
    page.fill("#address", ADDRESS)
    page.fill("#contact_name", NAME)
    page.check("[name=how][value=consent_spoken]", force=True)
    page.click(".action button")
    page.wait_for_url("**/m/homes/household:*")
    household = page.url.partition("?")[0].rpartition("/")[2]
    phone.open(f"/m/homes/{household}/members/new")
    page.fill("#name", MEMBER)
    page.click(".action button")
    page.wait_for_selector(f"text={MEMBER}")
    return household


def home_of(couch: Couch, household: str) -> str | None:
    """The database that has the household and its member, in the desk's index by now."""
    for name in couch.all_databases():
        if name.startswith("home-6") and name.count("-") == 1 and couch.database(name).find(household):
            index = couch.database(f"homes-{name[5:14]}")
            rows = index.range("member:", "member:\ufff0", 10) if couch.info([index.name])[index.name] else []
            return name if any(row["household"] == household for row in rows) else None
    return None


def erase_at_the_desk(playwright: Playwright, system: RunningSystem, couch: Couch, database: str, household: str) -> None:
    """community1 looks at what goes, types the address and waits for the receipt; pictures in both languages."""
    browser = start_chromium(playwright)
    page = browser.new_page(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai")
    sign_in(page, system, "community1")
    page.goto(f"{system.url}/households/{database[5:]}/{household}")
    page.click("form[action$=erasure] button")
    page.wait_for_selector("#typed")
    both(page, system, "desk-erasure")
    page.select_option("#basis", "asked_for")
    page.fill("#typed", ADDRESS)
    page.click("button.final")
    page.wait_for_url("**/erasures/**")
    page.wait_for_selector("#erasure-state table")
    both(page, system, "desk-erased")
    [doc] = [one for one in couch.database(ERASURES).range("erasure:", "erasure:\ufff0", 10) if one["state"] == "done"]
    assert (doc["counts"]["household"], doc["counts"]["member"]) == (1, 1)
    browser.close()


def both(page: Page, system: RunningSystem, name: str) -> None:
    """What it looks like in Chinese and in English."""
    address = page.url
    picture(page, f"{name}-zh-CN", full_page=True)
    joined = "&" if "?" in address else "?"
    page.goto(f"{address}{joined}lang=en")
    picture(page, f"{name}-en", full_page=True)
    page.goto(f"{address}{joined}lang=zh-CN")


def said_in(text: str) -> list[str]:
    """What of it a text says."""
    return [word for word in (ADDRESS, NAME, LATER, MEMBER) if word in text]


def told(couch: Couch) -> list[str]:
    """Databases of the server in which any of it is still found."""
    found = []
    for name in couch.all_databases():
        if not name.startswith("_"):
            text = orjson.dumps([row.get("doc") for row in couch.database(name).changes(None, 5000).results]).decode()
            found += [name] if said_in(text) else []
    return found
