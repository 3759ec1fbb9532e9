"""The case flow as data and pure functions (DESIGN §4, §5 "Cases"): states, moves, rules, and the fold of a case's events.

`states.py` and `moves.py` are tables; `fields.py` checks what is typed, `guards.py` holds the rules by name, `effects.py`
says what a move changes, `opening.py` how a case begins, `folding.py` makes the case of its events, `showing.py` what phones see,
`tasks.py` what is sent down to them, `errands.py` what a household's errand does to its case.
"""

from server.domain.workflow.checking import check_move, check_rules
from server.domain.workflow.errands import is_called_off
from server.domain.workflow.fields import read as read_fields
from server.domain.workflow.folding import fold, version_of
from server.domain.workflow.guards import broken_rule, is_open_to
from server.domain.workflow.moves import HAND_DOWN, MOVES, SYSTEM_MOVES, Move, moves_from
from server.domain.workflow.opening import FIRST_KEY, clock_starts_at, first_level, reported_event
from server.domain.workflow.showing import phone_copy
from server.domain.workflow.states import HANDLING_STATES, LEVELS, OPEN_STATES, PHASES, STATES, holder_of, phase_of, rank
from server.domain.workflow.tasks import due_at as task_due_at
from server.domain.workflow.tasks import task_copy

__all__ = [
    "FIRST_KEY",
    "HANDLING_STATES",
    "HAND_DOWN",
    "LEVELS",
    "MOVES",
    "OPEN_STATES",
    "PHASES",
    "STATES",
    "SYSTEM_MOVES",
    "Move",
    "broken_rule",
    "check_move",
    "check_rules",
    "clock_starts_at",
    "first_level",
    "fold",
    "holder_of",
    "is_called_off",
    "is_open_to",
    "moves_from",
    "phase_of",
    "phone_copy",
    "rank",
    "read_fields",
    "reported_event",
    "task_copy",
    "task_due_at",
    "version_of",
]
