"""The forms of visits: sound data, and answers that are checked the same by either way through the gate."""

from typing import Any, get_args, get_type_hints

import pytest

from server.domain import admission, catalogue, documents, visit_forms
from tests.server.domain.test_batches import GRID, VISIT, WORKER, sound

GOOD: dict[str, dict[str, Any]] = {
    "elderly": {"met": "home", "eats_well": True, "wishes": "配老花镜"},
    "tenant": {"people": 4, "has_contract": False},
    "safety": {"gas_is_safe": False, "wiring_is_safe": True, "exit_is_clear": True},
    "dispute": {"between": "neighbours", "outcome": "open"},
    "errand": {},
}
TENANT = {"kind": "tenant", "form": "tenant.1"}
KINDS = get_args(get_type_hints(documents.Visit)["kind"])


def test_every_kind_of_form_is_a_kind_of_visit_and_every_category_exists() -> None:
    codes = {row[0] for row in catalogue.ROWS}
    assert set(visit_forms.FORMS) == set(GOOD) <= set(KINDS)
    for forms in visit_forms.FORMS.values():
        assert [one.version for one in forms] == sorted({one.version for one in forms}, reverse=True)
        for form in forms:
            assert set(form.categories) <= codes
            keys = [one.key for one in form.questions]
            assert len(keys) == len(set(keys))
            assert all((one.kind == "choice") == bool(one.options) and all(one.label) for one in form.questions)


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_full_form_is_taken_by_both_ways_through_the_gate(kind: str) -> None:
    doc = VISIT | {"kind": kind, "form": f"{kind}.1", "answers": GOOD[kind]}
    assert admission.check(doc, 1000, admission.Target("home-quarter", GRID), WORKER) is None
    assert sound([doc], "home-quarter") is not None


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"form": "elderly.2"}, {"form": "unknown"}),
        ({"form": "tenant.1"}, {"form": "unknown"}),
        ({"form": "elderly.1", "answers": {}}, {"answers.met": "required"}),
        ({"form": "elderly.1", "answers": {"met": "home", "faith": "x"}}, {"answers.faith": "unknown"}),
        ({"form": "elderly.1", "answers": {"met": "church"}}, {"answers.met": "invalid"}),
        ({"form": "elderly.1", "answers": {"met": ["home"]}}, {"answers.met": "invalid"}),
        ({"form": "elderly.1", "answers": {"met": "home", "eats_well": "yes"}}, {"answers.eats_well": "invalid"}),
        ({"form": "elderly.1", "answers": {"met": "home", "wishes": "长" * 501}}, {"answers.wishes": "invalid"}),
        (
            {"kind": "tenant", "form": "tenant.1", "answers": {"people": True, "has_contract": True}},
            {"answers.people": "invalid"},
        ),
        (TENANT | {"answers": {"people": 51, "has_contract": True}}, {"answers.people": "invalid"}),
    ],
)
def test_answers_that_bend_the_form_are_refused_by_both(fields: dict[str, Any], wrong: dict[str, str]) -> None:
    doc = VISIT | fields
    refusal = admission.check(doc, 1000, admission.Target("home-quarter", GRID), WORKER)
    assert refusal is not None
    assert (refusal.reason, dict(refusal.fields)) == ("schema", wrong)
    assert sound([doc], "home-quarter") is None


def test_a_phone_that_knows_no_form_may_say_what_it_likes() -> None:
    assert sound([VISIT], "home-quarter") is not None


def test_phones_get_the_newest_form_in_both_languages() -> None:
    found = {doc["_id"]: doc for doc in visit_forms.documents()}
    elderly = found["form:elderly"]
    assert elderly["name"] == "elderly.1"
    assert elderly["questions"][0]["label"] == {"zh-CN": "是否见到本人", "en": "Met in person"}
    assert [one["value"] for one in elderly["questions"][0]["options"]] == ["home", "phone", "nobody"]
