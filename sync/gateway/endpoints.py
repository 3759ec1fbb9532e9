"""The endpoints of the gate: methods, the right each needs, the parameters it takes. Most only pass through to the store.

Whatever is not in these tables does not exist for a device. A parameter that is not listed is dropped; one that would change
what is read (`filter`, `feed`) is refused unless it is harmless.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from sync.gateway.answers import Stop

CHANGES_LIMIT = 10_000
LONGEST_WAIT_MS = 60_000
SHORTEST_HEARTBEAT_MS = 5_000


class Endpoint(NamedTuple):
    """One row of the table. `right` is what the device must have for the database."""

    methods: frozenset[str]
    right: Literal["pull", "push", "either"]
    params: frozenset[str] = frozenset()


READ = frozenset({"GET", "POST"})
CHANGES = "conflicts descending doc_ids feed filter heartbeat include_docs limit seq_interval since style timeout"
ALL_DOCS = (
    "conflicts descending end_key endkey endkey_docid include_docs inclusive_end key keys limit skip start_key startkey "
    "startkey_docid update_seq"
)
ONE_DOCUMENT = "conflicts deleted_conflicts latest local_seq meta open_revs rev revs revs_info"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENDPOINTS: dict[str, Endpoint] = {
    "": Endpoint(frozenset({"GET"}), "either"),
    "_changes": Endpoint(READ, "pull", _words(CHANGES)),
    "_revs_diff": Endpoint(frozenset({"POST"}), "push"),
    "_bulk_get": Endpoint(frozenset({"POST"}), "pull", _words("revs latest")),
    "_all_docs": Endpoint(READ, "pull", _words(ALL_DOCS)),
}
DOCUMENT = Endpoint(frozenset({"GET"}), "pull", _words(ONE_DOCUMENT))
# What the gate answers itself.
ROOT = Endpoint(frozenset({"GET"}), "either")
PUSH = Endpoint(frozenset({"POST"}), "push")
CHECKPOINT = Endpoint(frozenset({"GET", "PUT"}), "either")

OFFERED: Mapping[str, Endpoint] = {
    "/": ROOT,
    **{f"/{{database}}/{name}".rstrip("/"): endpoint for name, endpoint in ENDPOINTS.items()},
    "/{database}/_bulk_docs": PUSH,
    "/{database}/_local/{name}": CHECKPOINT,
    "/{database}/{document}": DOCUMENT,
}


def pick_params(endpoint: Endpoint, params: Mapping[str, str]) -> dict[str, str]:
    """The parameters that go on to the store."""
    return {name: value for name, value in params.items() if name in endpoint.params}


def bound_changes(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a changes feed within our bounds. Raises Stop for feeds and filters that are not offered.

    A page longer than the bound is cut: the feed's own `last_seq` and `pending` say so, and every client reads on from there.
    """
    feed = params.get("feed", "normal")
    if feed not in ("normal", "longpoll"):
        raise Stop(501, "not_implemented", "feed_not_offered")
    if params.get("filter", "_doc_ids") != "_doc_ids":
        raise Stop(403, "forbidden", "filter_not_offered")
    bounded = dict(params)
    bounded["limit"] = str(min(_number(params.get("limit"), CHANGES_LIMIT), CHANGES_LIMIT))
    bounded.pop("heartbeat", None)
    bounded.pop("timeout", None)
    if feed == "longpoll":
        bounded["timeout"] = str(min(_number(params.get("timeout"), LONGEST_WAIT_MS), LONGEST_WAIT_MS))
        if params.get("heartbeat", "false") != "false":
            asked = _number(params["heartbeat"], LONGEST_WAIT_MS)
            bounded["heartbeat"] = str(max(SHORTEST_HEARTBEAT_MS, min(asked, LONGEST_WAIT_MS)))
    return bounded


def _number(text: str | None, default: int) -> int:
    if text is None or text == "true":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Stop(400, "bad_request", "not_a_number")
    return int(text)
