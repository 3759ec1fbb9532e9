"""What the node says no to: one exception that carries the HTTP status, CouchDB's error word and a reason.

Raised anywhere below the routes and turned into an answer by `app.py` alone. Faults of the machine (a full disk) have
their own class, so that the writer can tell "this request is wrong" from "nothing can be written now".
"""


class Refusal(Exception):
    """A request that CouchDB would refuse: `status`, `error` and `reason` become the answer."""

    def __init__(self, status: int, error: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason


class StorageFull(Refusal):
    """The disk (or the allowed size) is used up; nothing of the request was written."""

    def __init__(self) -> None:
        super().__init__(503, "insufficient_storage", "There is no room left to store this.")


def bad_request(reason: str) -> Refusal:
    """400 with CouchDB's general word for it."""
    return Refusal(400, "bad_request", reason)


def bad_parameter(reason: str) -> Refusal:
    """400 for a query parameter that does not parse."""
    return Refusal(400, "query_parse_error", reason)


def missing(reason: str = "missing") -> Refusal:
    """404; `reason` is `missing` for what never was, `deleted` for what was deleted."""
    return Refusal(404, "not_found", reason)


def no_database() -> Refusal:
    """404 for a database that is not there."""
    return Refusal(404, "not_found", "Database does not exist.")


def conflict() -> Refusal:
    """409: the edit does not start from a current leaf."""
    return Refusal(409, "conflict", "Document update conflict.")


def not_implemented(what: str) -> Refusal:
    """501 for what only a real CouchDB does; better than a wrong answer."""
    return Refusal(501, "not_implemented", f"{what} is not supported by this node; CouchDB has it.")
