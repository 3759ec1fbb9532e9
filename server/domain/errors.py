"""Every error of the domain, each with a stable code that a page or a phone can put into words.

No HTTP here: `server/web/errors.py` alone maps these to responses. `code` is a key of the locale catalogues (`error.<code>`),
`facts` fill its slots.
"""

from collections.abc import Mapping


class DomainError(Exception):
    """Something a person asked for and the rules do not allow. `code` names it, `facts` are plain values for its text."""

    code = "invalid"

    def __init__(self, code: str | None = None, /, **facts: object) -> None:
        if code is not None:
            self.code = code
        self.facts = facts
        super().__init__(self.code, facts)


class InvalidInput(DomainError):
    """Input that cannot be used. `fields` maps a field's path to the code of what is wrong with it."""

    code = "invalid_input"

    def __init__(self, fields: Mapping[str, str], **facts: object) -> None:
        self.fields = dict(fields)
        super().__init__(None, **facts)


class NotSignedIn(DomainError):
    """Nobody is signed in, or the token is unknown, expired or revoked (`code` says which)."""

    code = "not_signed_in"


class Forbidden(DomainError):
    """Signed in, but the role does not allow it here."""

    code = "forbidden"


class Missing(DomainError):
    """The thing asked for is not there, or not for this person to know of."""

    code = "not_found"


class Erased(DomainError):
    """The thing was here and was erased for ever, on request; `code` says what it was."""

    code = "erased"


class Changed(DomainError):
    """The thing changed meanwhile. `facts` carries its present state."""

    code = "changed_meanwhile"


class Differs(Changed):
    """The same number, but other content. `fields` names what differs; `facts` carry what is `kept` and what was `sent`."""

    code = "content_differs"

    def __init__(self, fields: Mapping[str, str], **facts: object) -> None:
        self.fields = dict(fields)
        super().__init__(None, **facts)


class IllegalMove(DomainError):
    """The workflow has no such move from this state, or not for this role."""

    code = "illegal_move"


class RuleBroken(IllegalMove):
    """A rule of the case flow forbids this move here; `code` is the rule's name (`workflow/guards.py`)."""

    code = "rule_broken"


class TooMany(DomainError):
    """A limit was reached; `facts["retry_after_s"]` says when to try again."""

    code = "too_many"


class NotNow(DomainError):
    """The server could do this, but not at this moment; `facts["retry_after_s"]` says when to try again."""

    code = "not_now"
