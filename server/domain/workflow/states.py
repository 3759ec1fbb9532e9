"""The states a case can be in, which of them are open, and the four levels that can hold it (DESIGN §4). Data only.

评价 is the move `rate` on a closed case and 停表 a stopped clock: neither is a state.
"""

STATES = (
    "reported",  # 上报: waits for whoever holds it first
    "escalated",  # 待上级受理: the level above has not taken it in yet
    "accepted",  # 受理
    "filed",  # 立案
    "dispatched",  # 派遣
    "in_hand",  # 处置
    "handed_back",  # 退单: the unit says with reasons that it is not its own
    "answered",  # 反馈
    "verifying",  # 核查
    "rework",  # 返工
    "shelved",  # 挂账
    "returned",  # 退回
    "refused",  # 不予受理
    "withdrawn",  # 撤回
    "merged",  # 并案
    "self_solved",  # 自处置: put right on the spot, checked by sample
    "transferred",  # 移送
    "closed",  # 结案
)
OPEN_STATES = frozenset(STATES[:11])
# While a case is here, a unit (or the holder itself) works on it and the whole-case clock runs.
HANDLING_STATES = frozenset({"dispatched", "in_hand", "rework"})
# What lists are sorted by: eighteen states are too many to choose from. A case put right on the spot that was drawn for a look
# is to be verified, too (`phase_of`).
PHASES: dict[str, tuple[str, ...]] = {
    "accept": ("reported", "escalated"),
    "work": ("accepted", "filed", "handed_back", "dispatched", "in_hand", "rework"),
    "verify": ("answered", "verifying"),
    "waiting": ("shelved", "returned"),
    "ended": ("closed", "self_solved", "transferred", "refused", "withdrawn", "merged"),
}

LEVELS = ("community", "township", "district", "city")
# How many digits of a grid's code name the place a level answers for.
LEVEL_DIGITS = {"community": 12, "township": 9, "district": 6, "city": 4}


def rank(level: str) -> int:
    """A level's height; the community is 0."""
    return LEVELS.index(level)


def holder_of(level: str, grid: str) -> str:
    """The party that holds a case of this grid at this level: `township:640105002`."""
    return f"{level}:{grid[: LEVEL_DIGITS[level]]}"


def phase_of(state: str, sample: str | None = None) -> str:
    """The phase a case is in; `sample` is what became of the draw of a case solved on the spot."""
    if state == "self_solved" and sample == "due":
        return "verify"
    return next(phase for phase, states in PHASES.items() if state in states)
