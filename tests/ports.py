"""Ports for what a test starts later, or for nobody at all."""

import socket
import sys

_kept: list[socket.socket] = []


def free_port() -> int:
    """A loopback port that nobody listens on, and that no other socket is given while this process lasts.

    A port that is only looked up may be another's before it is listened on. A socket that is bound and does not listen keeps it:
    on Linux a server that asks for SO_REUSEADDR, as all of ours do, may listen there all the same, again and again.
    """
    holder = socket.socket()
    if sys.platform == "linux":
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _kept.append(holder)
    holder.bind(("127.0.0.1", 0))
    port = int(holder.getsockname()[1])
    if sys.platform != "linux":
        holder.close()
    return port
