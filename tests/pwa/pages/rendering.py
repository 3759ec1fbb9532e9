"""Every page of the phone in every state and both languages, as `render.mjs` makes them: once for all tests of this folder."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROUTES = "import {{ routes }} from '{}'; console.log(JSON.stringify(routes.map(({{ method, path }}) => [method, path])))"


@cache
def rendered() -> list[dict[str, Any]]:
    """`{name, route, template, language, model, html}` of every state, as a whole page and as a fragment."""
    done = subprocess.run(["node", HERE / "render.mjs"], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def routes() -> list[tuple[str, str]]:
    """Method and path of every address of the app."""
    module = HERE.parents[2] / "pwa/src/handlers/index.js"
    command = ["node", "--no-warnings", "--import", str(HERE.parent / "engine/browser.mjs"), "--input-type=module", "-e"]
    done = subprocess.run([*command, ROUTES.format(module)], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return [(method, path) for method, path in json.loads(done.stdout)]
