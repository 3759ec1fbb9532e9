"""The embedded node as it is, with a record of what it writes, syncs and answers: `--record FILE` before its own options.

An answer is noted when it is about to be sent, by the request's header `x-mark`; the record is complete when the node stops.
`--few-connections` closes files all the time, as when there are more databases than may be open.
"""

import sys
from pathlib import Path
from typing import Any

from sync.embedded import connections, process
from sync.embedded.__main__ import main
from sync.embedded.app import EmbeddedNode, create_app
from tests.faults.recording import Recorder


class RecordedNode(EmbeddedNode):
    """The application; it notes each good answer before it is sent."""

    def __init__(self, inner: EmbeddedNode, recorder: Recorder) -> None:
        self.node, self._inner, self._recorder = inner.node, inner, recorder

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        marks = [value.decode() for name, value in scope.get("headers", []) if name == b"x-mark"]

        async def send_noted(message: Any) -> None:
            if marks and message["type"] == "http.response.start" and message["status"] < 300:
                self._recorder.note("answer", marks[0])
            await send(message)

        await self._inner(scope, receive, send_noted)


def run() -> None:
    """Takes its own options off the command line and starts the node."""
    target = Path(sys.argv[sys.argv.index("--record") + 1])
    data = Path(sys.argv[sys.argv.index("--data") + 1])
    if "--few-connections" in sys.argv:
        connections.allowed_connections = lambda: 3
    sys.argv = [each for each in sys.argv if each not in ("--record", str(target), "--few-connections")]
    recorder = Recorder(data, target)
    recorder.patch_python()
    recorder.patch_sqlite()
    process.create_app = lambda folder, admin: RecordedNode(create_app(folder, admin), recorder)
    try:
        main()
    finally:
        recorder.close()


if __name__ == "__main__":
    run()
