"""What is asked at a visit, by its kind: typed questions in both languages, in versions. Data and its check, pure.

A phone gets the newest version of each kind as a `form:<kind>` document of `ref` (`server/seeding.py`) and names it with
the answers (`visit.form`). A version that was ever published stays here as it was: a phone that was away answers the questions it
was shown. So a change is a new version in front of the old ones.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Answers = Mapping[str, Any]
ANSWER_LENGTH = 500


class Words(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


class Question(NamedTuple):
    """One question. `options` are the codes and words of a choice, `most` the largest number that can be meant."""

    key: str
    kind: Literal["yes_no", "choice", "number", "text"]
    label: Words
    is_needed: bool = False
    options: tuple[tuple[str, Words], ...] = ()
    most: int = 100


class Form(NamedTuple):
    """The questions of a kind of visit; `categories` are what is most often reported from such a visit."""

    version: int
    questions: tuple[Question, ...]
    categories: tuple[str, ...]


def _yes_no(key: str, zh: str, en: str, *, is_needed: bool = False) -> Question:
    return Question(key, "yes_no", Words(zh, en), is_needed)


def _choice(key: str, zh: str, en: str, *options: tuple[str, str, str], is_needed: bool = False) -> Question:
    return Question(key, "choice", Words(zh, en), is_needed, tuple((code, Words(one, other)) for code, one, other in options))


def _number(key: str, zh: str, en: str, most: int) -> Question:
    return Question(key, "number", Words(zh, en), most=most)


def _text(key: str, zh: str, en: str) -> Question:
    return Question(key, "text", Words(zh, en))


WELL = (("well", "良好", "Well"), ("unwell", "不适", "Unwell"), ("needs_doctor", "需就医", "Needs a doctor"))
SETTLED = (("settled", "已和解", "Settled"), ("calmer", "有所缓和", "Calmer"), ("open", "未解决", "Not settled"))
MET = (("home", "本人在家", "Met at home"), ("phone", "电话联系", "By telephone"), ("nobody", "未见到人", "Nobody met"))

# By kind, the newest version first. Kinds without an entry have no questions of their own.
FORMS: dict[str, tuple[Form, ...]] = {
    "elderly": (
        Form(
            1,
            (
                _choice("met", "是否见到本人", "Met in person", *MET, is_needed=True),
                _choice("health", "身体状况", "Health", *WELL),
                _yes_no("eats_well", "三餐是否正常", "Eats regular meals"),
                _yes_no("heating_works", "取暖、水电气是否正常", "Heating, water and power work"),
                _yes_no("can_call", "紧急时能联系到家人或邻居", "Can reach family or a neighbour"),
                _text("wishes", "需要帮办什么", "What help is wanted"),
            ),
            ("5102", "4104", "4103"),
        ),
    ),
    "tenant": (
        Form(
            1,
            (
                _number("people", "实际居住人数", "People living here", 50),
                _yes_no("has_contract", "有租赁合同", "There is a lease", is_needed=True),
                _yes_no("is_partitioned", "有违规隔断或群租", "Partitioned or overcrowded"),
                _yes_no("has_smoke_alarm", "有烟感、灭火器", "Smoke alarm and extinguisher"),
                _choice(
                    "use",
                    "房屋用途",
                    "Used as",
                    ("home", "居住", "Home"),
                    ("work", "经营", "Business"),
                    ("store", "仓储", "Storage"),
                ),
            ),
            ("3202", "3103", "3102"),
        ),
    ),
    "safety": (
        Form(
            1,
            (
                _yes_no("gas_is_safe", "燃气软管、阀门完好", "Gas hose and valve are sound", is_needed=True),
                _yes_no("wiring_is_safe", "电线无老化、私拉乱接", "Wiring is sound", is_needed=True),
                _yes_no("exit_is_clear", "楼道、安全出口畅通", "Stairs and exits are clear", is_needed=True),
                _yes_no("charges_indoors", "电动车入户充电", "Electric bike is charged indoors"),
                _yes_no("advice_given", "已当面告知整改", "Told on the spot what to mend"),
            ),
            ("3201", "3202", "3103"),
        ),
    ),
    "dispute": (
        Form(
            1,
            (
                _choice(
                    "between",
                    "矛盾类型",
                    "Between whom",
                    ("neighbours", "邻里", "Neighbours"),
                    ("family", "家庭", "Family"),
                    ("property", "物业", "Property company"),
                    ("other", "其他", "Other"),
                    is_needed=True,
                ),
                _yes_no("heard_both", "双方都已听取", "Both sides were heard"),
                _choice("outcome", "目前情况", "Where it stands", *SETTLED, is_needed=True),
                _yes_no("may_escalate", "有激化可能", "May get worse"),
                _text("wishes", "当事人诉求", "What the parties want"),
            ),
            ("2101", "2102", "2103"),
        ),
    ),
    "errand": (
        Form(
            1,
            (
                _text("wanted", "要办什么事", "What is to be done"),
                _yes_no("papers_there", "材料已备齐", "All papers are there"),
                _yes_no("needs_collection", "需要上门取件", "Papers to be collected at home"),
                _choice(
                    "rating",
                    "对上次代办是否满意",
                    "Content with the last errand",
                    ("yes", "满意", "Yes"),
                    ("no", "不满意", "No"),
                    ("first", "首次代办", "First one"),
                ),
            ),
            ("4104",),
        ),
    ),
}


def name_of(kind: str, form: Form) -> str:
    """How a visit names the version it answers: `elderly.1`."""
    return f"{kind}.{form.version}"


def find(name: str) -> tuple[str, Form] | None:
    """The kind and form of a name, or None."""
    kind, _, version = name.rpartition(".")
    return next(((kind, one) for one in FORMS.get(kind, ()) if str(one.version) == version), None)


def wrong_answers(kind: str, name: str | None, answers: Answers) -> dict[str, str]:
    """What is wrong with a visit's answers, by field. Without a form nothing is known of them, and nothing is wrong.

    The same rules as the phone's (`pwa/src/handlers/questions.js`); a document that bends them was not made by it.
    """
    if name is None:
        return {}
    found = find(name)
    if found is None or found[0] != kind:
        return {"form": "unknown"}
    questions = {one.key: one for one in found[1].questions}
    wrong = {f"answers.{key}": "unknown" for key in answers if key not in questions}
    for key, question in questions.items():
        said = answers.get(key)
        if said is None:
            wrong |= {f"answers.{key}": "required"} if question.is_needed else {}
        elif not _is_answer(question, said):
            wrong[f"answers.{key}"] = "invalid"
    return wrong


def _is_answer(question: Question, said: Any) -> bool:
    match question.kind:
        case "yes_no":
            return isinstance(said, bool)
        case "number":
            return isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said <= question.most
        case "choice":
            return said in {code for code, _ in question.options} if isinstance(said, str) else False
        case _:
            return isinstance(said, str) and 0 < len(said) <= ANSWER_LENGTH


def documents() -> list[dict[str, Any]]:
    """The newest form of each kind, as phones get it."""
    return [_document(kind, forms[0]) for kind, forms in FORMS.items()]


def _document(kind: str, form: Form) -> dict[str, Any]:
    head = {"_id": f"form:{kind}", "type": "form", "v": 1, "kind": kind, "name": name_of(kind, form)}
    return head | {"questions": [_as_json(one) for one in form.questions], "categories": list(form.categories)}


def _as_json(question: Question) -> dict[str, Any]:
    options = [{"value": code, "label": named(words)} for code, words in question.options]
    said = {"key": question.key, "kind": question.kind, "label": named(question.label), "needed": question.is_needed}
    return said | {"options": options, "most": question.most}


def named(words: Words) -> dict[str, str]:
    """Words as documents carry them."""
    return {"zh-CN": words.zh, "en": words.en}
