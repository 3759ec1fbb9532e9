"""What a household's errand 代办 does to its case as it changes on a phone. Pure."""

from typing import Any

from server.domain.workflow.states import OPEN_STATES

Case = dict[str, Any]
# Of a case that was returned nobody else has the turn: it, too, ends when its errand does.
ENDS_FROM = OPEN_STATES | {"returned"}


def is_older(case: Case, facts: dict[str, Any]) -> bool:
    """True for a version of the errand that a newer one has replaced already."""
    return _generation(facts) < _generation(case["errand"])


def is_called_off(case: Case, facts: dict[str, Any]) -> bool:
    """True when the household wants it no more and its case ends with that: at any time before it ended otherwise, but never
    while units stand whistled to the spot, whom only the township sends home.

    A version from before `ends` was said ends only what nobody had taken up: a case that was decided on since stays as it is.
    """
    if facts["state"] != "withdrawn" or is_older(case, facts):
        return False
    return case["state"] == "reported" or bool(facts.get("ends") and case["state"] in ENDS_FROM and not case["open_whistles"])


def _generation(facts: dict[str, Any]) -> int:
    return int(str(facts["rev"]).partition("-")[0])
