"""Words that household files are kept in: needs, services, and the purposes for which masked fields may be opened. Pure data.

Codes travel; what they are called on the phone is in `pwa/locale/`. No ethnicity, religion, biometrics or scores (DESIGN §10).
"""

# What a household or one of its members needs looking after for: sensitive, masked until opened (`documents.SENSITIVE`).
NEEDS = (
    "elderly_alone",
    "limited_mobility",
    "disability",
    "long_illness",
    "hardship",
    "infant",
    "children_alone",
    "newly_arrived",
)
# What it gets: marks of service, by which a worker knows what to bring or do.
SERVICES = ("regular_visits", "errands_at_home", "meal_help", "phone_check", "emergency_bell")
# For what masked fields may be opened on a phone; the Chinese words are those of the access log.
PURPOSES = {
    "visit": "走访联系",
    "service": "办理服务事项",
    "emergency": "紧急情况",
    "correction": "核对、更正信息",
}


def purpose_text(code: str) -> str:
    """A purpose in the words of the access log; what is no code of ours stays as it was given."""
    return PURPOSES.get(code, code)
