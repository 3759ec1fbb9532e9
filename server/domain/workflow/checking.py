"""Whether a move may be made on a case as it stands: state, fields, rules; in that order, each with its own error. Pure.

Whether this person may make it is `server/domain/case_rights.py`.
"""

from typing import Any

from server.domain.errors import IllegalMove, RuleBroken
from server.domain.workflow import fields, guards
from server.domain.workflow.moves import HAND_DOWN, MOVES


def check_move(state: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The move's own fields of those given, checked. Raises IllegalMove, InvalidInput, RuleBroken."""
    if name == HAND_DOWN:
        raise RuleBroken("escalation_one_way", move=name, state=state)
    move = MOVES.get(name)
    if move is None or state not in move.sources:
        raise IllegalMove(move=name, state=state)
    return fields.read(move, given)


def check_rules(case: dict[str, Any], event: dict[str, Any]) -> None:
    """Raises RuleBroken, its code the rule's name, when the event would be refused where the case stands."""
    rule = guards.broken_rule(case, event)
    if rule is not None:
        raise RuleBroken(rule, move=event["move"], state=case["state"])
