"""How much of a batch of photos is sent twice over a thin link that breaks. Bar: less than 5 % of the bytes.

    python tests/bench/uploads.py [--photos 100] [--size-kb 300] [--rate-kb 20] [--drops 0.2] [--faster 25] [--chromium]
        [--strict]

A whole system as `make run` starts it; the phone's own code sends (`uploads_client.mjs`), through `tests/media/thin_link.py`.
`--faster 25` runs the clock 25 times as fast, the link's rate and delay and the phone's patience alike: how many bytes are under
way when the link breaks stays the same, and what a busy machine adds to the delay counts 25 times. `--chromium` sends with the
phone's upload client in a real browser, which puts requests on the wire once more by itself; give it `--faster 2 --photos 8`.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browsers import start_chromium
from tests.media.photographs import scene
from tests.media.thin_link import Counted, ThinLink, Weather, thin_link
from tests.phones import SimulatedPhone, make_id
from tests.running import ROOT, RunningSystem

BAR = 0.05
DELAY_S = 0.15
LIMIT_S = 3600


def make_photos(folder: Path, count: int, size_bytes: int) -> int:
    """Different JPEGs of about this size, as a phone shrinks them; how many bytes in all."""
    out, quality = io.BytesIO(), 85
    scene(1600, 1200).save(out, "JPEG", quality=quality)
    first = out.getvalue()
    with Image.open(io.BytesIO(first)) as image:
        assert image.size == (1600, 1200)
    dice, total = random.Random(1), 0
    for n in range(count):
        # A picture of its own for each: a comment of random bytes behind the first marker brings it to its size.
        missing = max(64, size_bytes + dice.randrange(-size_bytes // 5, size_bytes // 5) - len(first))
        comments = b""
        while missing > 0:
            length = min(missing, 60_000)
            comments += b"\xff\xfe" + (length + 2).to_bytes(2, "big") + dice.randbytes(length)
            missing -= length
        data = first[:2] + comments + first[2:]
        (folder / f"{n:04}.jpg").write_bytes(data)
        total += len(data)
    return total


def send(link: ThinLink, phone: SimulatedPhone, folder: Path, faster: int) -> dict[str, Any]:
    """Everything in the folder, by the phone's code; what it said at its end."""
    enrolment = phone.enrolment
    session = {
        "author": phone.username,
        "device": enrolment["device_id"],
        "token": enrolment["token"],
        "grids": enrolment["grids"],
        "databases": enrolment["databases"],
    }
    asked = {"url": link.url, "session": session, "folder": str(folder), "faster": faster}
    command = ["node", "--no-warnings", str(Path(__file__).with_name("uploads_client.mjs")), json.dumps(asked)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=True)
    return dict(json.loads(done.stdout))


def send_from_chromium(link: ThinLink, phone: SimulatedPhone, folder: Path, faster: int) -> dict[str, Any]:
    """The same from a page of the server, opened while the link is sound."""
    photos = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        named = {"photo": make_id("photo"), "role": "sent", "database": phone.database(), "filetype": "image/jpeg"}
        metadata = named | {"sha256": hashlib.sha256(data).hexdigest()}
        photos.append({"metadata": metadata, "base64": base64.b64encode(data).decode()})
    page_code = Path(__file__).with_name("uploads_page.mjs")
    # Packages are looked for beside the file that asks for them, which is not where the phone's are.
    environment = {**os.environ, "NODE_PATH": str(ROOT / "pwa/node_modules")}
    bundle = subprocess.run(
        [str(ROOT / "pwa/node_modules/.bin/esbuild"), str(page_code), "--bundle", "--format=iife", "--platform=browser"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    weather, link.weather = link.weather, replace(link.weather, drop_share=0.0)
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = browser.new_page()
        page.goto(f"{link.url}/healthz")
        page.evaluate(bundle)
        link.weather, link.counted = weather, Counted()
        said = page.evaluate(
            "([photos, token, faster]) => sendAll(photos, token, faster)", [photos, phone.enrolment["token"], faster]
        )
        browser.close()
    return dict(said)


def report(counted: Counted, payload_bytes: int, took_s: float, said: dict[str, Any], faster: float) -> float:
    """Print what crossed the link; the share of bytes sent again."""
    again = counted.body_bytes - payload_bytes
    payload, wire, heads = (size_bytes / 1e6 for size_bytes in (payload_bytes, counted.body_bytes, counted.head_bytes))
    share, minutes = again / payload_bytes, took_s * faster / 60
    print(
        f"{counted.requests} requests {counted.methods}, {counted.drops} cut, {counted.answers_lost} of them lost the answer only"
    )
    print(f"payload {payload:.2f} MB, bodies on the wire {wire:.2f} MB, headers {heads:.2f} MB")
    print(f"{took_s:.0f} s, {minutes:.0f} minutes of the link; the phone: {said}")
    print(
        f"sent again: {again / 1e3:.0f} KB, {share:.2%} of the payload (with every header {share + heads / payload:.2%}); ",
        end="",
    )
    print(f"bar {BAR:.0%}: {'held' if share < BAR else 'NOT held'}")
    return share


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in {"photos": 100, "size-kb": 300, "rate-kb": 20, "drops": 0.2, "faster": 25, "seed": 1}.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--chromium", action="store_true", help="send from a real browser")
    parser.add_argument("--strict", action="store_true", help="end with 1 when the bar is not held")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        payload_bytes = make_photos(folder, asked.photos, asked.size_kb * 1000)
        system = RunningSystem.on_given_store(Path(scratch) / "var").start()
        try:
            phone = SimulatedPhone(system.url, "worker1").enrol()
            weather = Weather(asked.rate_kb * 1000 * asked.faster, DELAY_S / asked.faster, asked.drops)
            with thin_link(system.url, weather, asked.seed) as link:
                began = time.perf_counter()
                said = (send_from_chromium if asked.chromium else send)(link, phone, folder, asked.faster)
                took_s = time.perf_counter() - began
            share = report(link.counted, payload_bytes, took_s, said, asked.faster)
        finally:
            system.stop()
    return int(asked.strict and share >= BAR)


if __name__ == "__main__":
    sys.exit(main())
