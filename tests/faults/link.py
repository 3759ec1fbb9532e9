"""A network between two parts that a test can break: a TCP relay that drops, stalls, resets, half-closes and slows.

It knows bytes and no protocol. What is broken when is the tests' to say.
"""

import asyncio
import random
import socket
import struct
import threading
from urllib.parse import urlsplit, urlunsplit

SOUND, REFUSED, STALLED, LOSES_ANSWERS, HALF_CLOSED, SLOW = "sound", "refused", "stalled", "loses answers", "half-closed", "slow"
CHUNK_BYTES = 16 * 1024
SLOW_BYTES_PER_S = 20_000
POLL_S = 0.05


class Link:
    """A relay before the address of a URL. `url` is the way through it; set `state` at any time.

    `share` is how often a fault strikes an answer that passes, for the states that strike answers.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port or 80)
        self.state, self.share = SOUND, 1.0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}".lstrip("@")))
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the relay and everything on it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            self._loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        self._server.close()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.state == REFUSED:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        up = asyncio.ensure_future(self._carry(reader, far_writer, is_answer=False))
        down = asyncio.ensure_future(self._carry(far_reader, writer, is_answer=True))
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        is_broken = any(task.done() and not task.result() for task in (up, down))
        if not is_broken:
            await asyncio.wait({up, down}, timeout=1)
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
        for end in (writer, far_writer):
            _reset(end) if is_broken else end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> bool:
        """Bytes one way until their end (True) or until a fault breaks the connection (False)."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                while self.state == STALLED:  # noqa: ASYNC110 - another thread sets it
                    await asyncio.sleep(POLL_S)
                if self.state == REFUSED:
                    return False
                if is_answer and self._strikes():
                    if self.state == LOSES_ANSWERS:
                        return False
                    writer.write_eof()
                    return True
                if self.state == SLOW:
                    await asyncio.sleep(len(data) / SLOW_BYTES_PER_S)
                writer.write(data)
                await writer.drain()
            if not is_answer:
                writer.write_eof()
        except OSError:
            return False
        return True

    def _strikes(self) -> bool:
        return self.state in (LOSES_ANSWERS, HALF_CLOSED) and random.random() < self.share


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a crash does: without a farewell."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
