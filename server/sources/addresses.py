"""Where call-backs may go: only http(s) addresses that an administrator wrote down, and never back into this machine.

A name is looked up at the moment of sending and the very address that was checked is asked, so that a name which points elsewhere
a moment later leads nowhere. Private networks are allowed (government systems live there); loopback, link-local (where clouds
answer with credentials) and the like are not. `XUNGE_CALLBACK_HOSTS` narrows it to named hosts.
"""

import ipaddress
import socket
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import urlsplit

URL_LENGTH = 1000
PORTS = {"http": 80, "https": 443}
# Behind these lie IPv4 addresses (RFC 6052).
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class Address(NamedTuple):
    """One checked place to ask: the network address and port, the host as it was written, and the path with its query."""

    scheme: str
    ip: str
    port: int
    host: str
    path: str

    @property
    def url(self) -> str:
        """The same as a URL that needs no name to be looked up."""
        literal = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{self.scheme}://{literal}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        """What the other side is asked as."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def whats_wrong(url: str) -> str | None:
    """What is wrong with an address as it is written; None when nothing is. Where its name leads is asked when it is used."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "invalid"
    if len(url) > URL_LENGTH or not url.isascii() or any(char.isspace() for char in url) or "\\" in url:
        return "invalid"
    if parts.scheme not in PORTS or not host or port == 0:
        return "not_http"
    return "no_credentials" if parts.username or parts.password or parts.fragment else None


def resolve(url: str, *, may_loop: bool, hosts: Collection[str] = (), only_public: bool = False) -> Address | str:
    """The address to ask, or the code of why it must not be asked: `not_allowed`, `unknown_host`, or of `whats_wrong`.

    `only_public`: an address that somebody else chose must not lead into our own networks either.
    """
    if reason := whats_wrong(url):
        return reason
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    if hosts and host not in hosts:
        return "not_allowed"
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return "unknown_host"
    # One bad address among several is enough: which of them is asked is chance.
    is_fit = _is_public if only_public else _is_fit
    if not found or not all(is_fit(ip, may_loop) for ip in found):
        return "not_allowed"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, min(found, key=lambda ip: (":" in ip, ip)), port, host, path)


def _is_public(text: str, may_loop: bool) -> bool:
    ip = _address(text)
    if isinstance(ip, ipaddress.IPv6Address) and (ip.sixtofour or ip.teredo or ip in TRANSLATED):
        return False  # it stands for an IPv4 address, any
    return _is_fit(text, may_loop) and (ip.is_global or ip.is_loopback)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(text.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


def _is_fit(text: str, may_loop: bool) -> bool:
    ip = _address(text)
    if ip.is_loopback:
        return may_loop
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved)
