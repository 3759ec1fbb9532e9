"""Which parties a person stands for."""

import pytest

from server.domain.parties import parties_of

HELD = {
    "units": ["unit:enforcement"],
    "communities": ["640105002001"],
    "townships": ["640105002", "640105003"],
}


@pytest.mark.parametrize(
    ("role", "parties"),
    [
        ("department", {"unit:enforcement"}),
        ("community", {"community:640105002001"}),
        ("triage", {"township:640105002", "township:640105003"}),
        ("district", {"district:640105"}),
        ("city", {"city:6401"}),
        ("worker", set()),
        ("police", set()),
        ("admin", set()),
    ],
)
def test_each_role_stands_for_its_own_party_only(role: str, parties: set[str]) -> None:
    assert parties_of({"name": "li", "roles": [role], **HELD}) == parties | {"user:li"}


def test_two_roles_stand_for_both_parties() -> None:
    person = {"name": "li", "roles": ["community", "triage"], **HELD}
    assert "community:640105002001" in parties_of(person)
    assert "township:640105003" in parties_of(person)


def test_a_person_who_holds_nothing_stands_for_themselves() -> None:
    assert parties_of({"name": "li", "roles": ["triage"]}) == {"user:li"}
