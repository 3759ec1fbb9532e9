"""The answer to `_explain`: the plan of a query, in CouchDB's words, without carrying it out. Pure."""

from typing import Any

from sync.embedded.mango.indexes import JsonIndex
from sync.embedded.mango.planning import Plan
from sync.embedded.mango.questions import Question
from sync.embedded.mango.ranges import find_ranges, list_fields


def explain(database: str, question: Question, plan: Plan, indexes: list[JsonIndex]) -> dict[str, Any]:
    """What a `_find` with the same body would do."""
    fields = question.fields.fields
    return {
        "dbname": database,
        "index": plan.index.describe(),
        "partitioned": False,
        "selector": question.selector.normal,
        "opts": _describe_options(question),
        "limit": question.limit,
        "skip": question.skip,
        "fields": fields,
        "index_candidates": [_weigh(each, plan) for each in indexes if each is not plan.index],
        "selector_hints": [_hint(question)],
        "mrargs": _describe_range(question, plan),
        "covering": False,  # documents are always looked up
    }


def _describe_options(question: Question) -> dict[str, Any]:
    return {
        "use_index": list(question.use_index),
        "bookmark": question.bookmark or "nil",
        "limit": question.limit,
        "skip": question.skip,
        "sort": dict(question.sort),
        "fields": question.fields.fields,
        "partition": "",
        "r": 1,
        "conflicts": question.wants_conflicts,
        "execution_stats": question.wants_statistics,
        "allow_fallback": question.may_fall_back,
        "stale": "",
        "update": question.wants_fresh,
        "stable": False,
    }


def _describe_range(question: Question, plan: Plan) -> dict[str, Any]:
    keys = (None, None) if plan.is_empty() else plan.keys()
    start, end = reversed(keys) if question.is_descending else keys
    return {
        "include_docs": True,
        "view_type": "map",
        "reduce": False,
        "partition": None,
        "start_key": start,
        "end_key": end,
        "direction": "rev" if question.is_descending else "fwd",
        "stable": False,
        "update": question.wants_fresh,
        "conflicts": question.wants_conflicts or "undefined",
    }


def _weigh(index: JsonIndex, plan: Plan) -> dict[str, Any]:
    """Why an index was not the one."""
    is_usable = index in plan.others
    if index.design is None:
        reason = "unfavored_type"
    elif is_usable:
        reason = "less_overlap"
    else:
        reason = "is_partial" if index.partial else "field_mismatch"
    analysis = {"usable": is_usable, "reasons": [{"name": reason}], "ranking": 1 if is_usable else 2, "covering": None}
    return {"index": index.describe(), "analysis": analysis}


def _hint(question: Question) -> dict[str, Any]:
    indexable = sorted(find_ranges(question.selector.normal))
    others = sorted(list_fields(question.selector.normal) - {*indexable})
    return {"type": "json", "indexable_fields": indexable, "unindexable_fields": others}
