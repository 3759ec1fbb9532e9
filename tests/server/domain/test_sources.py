"""How other systems' documents are read, and which point lies in which outline."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.demo import district
from server.domain import links, outlines, source_fields, sources
from server.domain.errors import InvalidInput

ORDER = {
    "工单编号": "YC20261127001",
    "诉求类型": "市容",
    "诉求内容": "垃圾没人收",
    "紧急程度": "紧急",
    "事发地址": "同心北街12号",
    "经度": "106.105",
    "纬度": "38.505",
    "来电时间": "2026-11-27 09:30:00",
    "来电人": "王建国",
    "联系电话": "13812345678",
    "身份证号": "640101199001011234",
    "回访要求": "是",
}


def test_a_12345_order_is_read_by_its_own_words_and_only_what_a_case_needs_is_taken() -> None:
    item = source_fields.read("hotline", ORDER)
    assert (item.number, item.category, item.urgency, item.reported_at) == (
        "YC20261127001",
        "市容",
        "urgent",
        "2026-11-27T01:30:00.000Z",
    )
    assert item.place == sources.Spot(lat=38.505, lon=106.105, address="同心北街12号")
    assert item.caller == sources.Caller(name="王建国", phone="13812345678")
    assert "640101199001011234" not in str(item)


def test_a_source_may_have_names_of_its_own() -> None:
    item = source_fields.read("hotline", {"bh": 17, "lx": "a", "nr": "b"}, {"number": "bh", "category": "lx", "text": "nr"})
    assert (item.number, item.category, item.text) == ("17", "a", "b")
    own = {"number": "bh", "text": "nr", "category": "lx"}
    assert source_fields.read("webhook", {"bh": "1", "lx": "a", "nr": "b"}, own).number == "1"


@pytest.mark.parametrize("field", ["face", "plate", "caller_name", "人脸", "person_id"])
def test_a_video_finding_brings_no_person(field: str) -> None:
    finding = {"alarm_id": "V1", "alarm_type": "垃圾", "camera": "同心路口 3", "lat": 38.5, "lon": 106.1}
    assert source_fields.read("video", finding).text == "视频巡查：同心路口 3"
    with pytest.raises(InvalidInput) as refused:
        source_fields.read("video", finding | {field: "x"})
    assert refused.value.fields == {field: "not_taken"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"category": "a", "text": "b"}, "number"),
        ({"number": 1, "category": "a", "text": "b"}, "number"),
        ({"number": "1", "category": "a", "text": ""}, "text"),
        ({"number": "1", "category": "a", "text": "b", "place": {"lat": 91}}, "place.lat"),
        ({"number": "1", "category": "a", "text": "b", "caller": {"phone": "call me"}}, "caller.phone"),
        ({"number": "1\n", "category": "a", "text": "b"}, "number"),
        ({"number": "1", "category": "a", "text": "b", "grid": "1"}, "grid"),
        ({"number": "1", "category": "a", "text": "b", "extra": 1}, "extra"),
        ({"number": "1", "category": "a", "text": "b", "urgency": "very"}, "urgency"),
    ],
)
def test_what_is_wrong_with_a_document_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        source_fields.read("webhook", body)
    assert list(refused.value.fields) == [field]


@given(
    st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists))
)
def test_no_document_is_a_fault(body: dict[str, Any]) -> None:
    for kind in source_fields.ADAPTERS:
        try:
            source_fields.read(kind, body)
        except InvalidInput:
            continue


PICTURES = ["https://12345.example.cn/a.jpg", "http://10.1.2.3/b?id=1"]
PLAIN: dict[str, dict[str, Any]] = {
    "webhook": {"number": "1", "category": "a", "text": "b"},
    "open311": {"number": "1", "category": "a", "text": "b"},
    "hotline": {"工单编号": "1", "诉求类型": "a", "诉求内容": "b"},
    "video": {"alarm_id": "1", "alarm_type": "a", "camera": "b"},
    "row": {"编号": "1", "类别": "a", "内容": "b"},
}
NAMED = [
    *[("hotline", name) for name in ("attachments", "附件", "links")],
    *[("video", name) for name in ("pictures", "图片", "links")],
    *[("row", name) for name in ("links", "附件链接")],
]


@pytest.mark.parametrize(("kind", "name"), NAMED)
def test_each_kind_of_source_has_its_name_for_links_and_may_write_them_as_a_text(kind: str, name: str) -> None:
    for written in (PICTURES, " ".join(PICTURES), f"  {PICTURES[0]}\r\n{PICTURES[1]}\t"):
        assert source_fields.read(kind, PLAIN[kind] | {name: written}).links == PICTURES
    assert source_fields.read(kind, PLAIN[kind] | {name: PICTURES[0]}).links == PICTURES[:1]
    for nothing in ([], "", "  ", None):
        assert source_fields.read(kind, PLAIN[kind] | {name: nothing}).links == []
    if kind == "hotline":
        return
    for wrong in (
        ["javascript:alert(1)"],
        "无",
        f"{PICTURES[0]} x",
        7,
        {"url": PICTURES[0]},
        [{"url": PICTURES[0]}],
    ):
        with pytest.raises(InvalidInput) as refused:
            source_fields.read(kind, PLAIN[kind] | {name: wrong})
        assert list(refused.value.fields) == ["links"]


@pytest.mark.parametrize(
    "wrong", ["无", "现场照片.jpg", ["javascript:alert(1)"], 7, {"url": PICTURES[0]}, [{"url": PICTURES[0]}]]
)
def test_a_12345_order_is_not_refused_for_what_its_form_says_instead_of_a_link(wrong: Any) -> None:
    assert source_fields.read("hotline", PLAIN["hotline"] | {"附件": wrong}).links == []
    mixed = [wrong, *PICTURES] if not isinstance(wrong, list) else [*wrong, *PICTURES]
    assert source_fields.read("hotline", PLAIN["hotline"] | {"附件": mixed}).links == PICTURES


@pytest.mark.parametrize("kind", ["webhook", "open311"])
def test_our_own_form_takes_links_as_a_list_alone(kind: str) -> None:
    assert source_fields.read(kind, PLAIN[kind]).links == []
    assert source_fields.read(kind, PLAIN[kind] | {"links": PICTURES}).links == PICTURES
    for wrong in (PICTURES[0], None, [1], [None], {}, ["javascript:alert(1)"], PICTURES * 6):
        with pytest.raises(InvalidInput) as refused:
            source_fields.read(kind, PLAIN[kind] | {"links": wrong})
        assert list(refused.value.fields) == ["links"]


def test_a_source_may_call_links_as_it_likes() -> None:
    own = {"number": "bh", "category": "lx", "text": "nr", "links": "tp"}
    assert source_fields.read("webhook", {"bh": "1", "lx": "a", "nr": "b", "tp": " ".join(PICTURES)}, own).links == PICTURES


WRITTEN = st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(PICTURES), st.lists)


@pytest.mark.parametrize(("kind", "name"), [*NAMED, ("webhook", "links")])
@given(written=WRITTEN)
def test_whatever_is_sent_as_links_is_refused_as_links_or_kept_sound(kind: str, name: str, written: Any) -> None:
    try:
        item = source_fields.read(kind, PLAIN[kind] | {name: written})
    except InvalidInput as error:
        assert list(error.fields) == ["links"]
    else:
        assert links.whats_wrong(item.links) is None


def test_a_report_id_depends_on_source_and_number_alone() -> None:
    assert sources.report_id("a", "1") == sources.report_id("a", "1")
    assert len({sources.report_id(a, b) for a, b in (("a", "1"), ("a", "2"), ("b", "1"))}) == 3


def test_every_centre_of_the_demo_district_is_in_its_own_grid_alone() -> None:
    grids = [doc for doc in district.documents() if doc["type"] == "grid"][:80]
    for doc in grids:
        lat, lon = doc["centre"]
        assert [other["code"] for other in grids if outlines.contains(other["outline"], lat, lon)] == [doc["code"]]


def test_a_point_on_a_common_edge_or_corner_is_in_exactly_one_of_the_neighbours() -> None:
    squares = []
    for x in range(3):
        for y in range(3):
            ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
            squares.append({"type": "Polygon", "coordinates": [ring]})
    for lat, lon in ((1, 1.5), (1.5, 1), (1, 1), (2, 2), (0.5, 2)):
        assert sum(outlines.contains(square, lat, lon) for square in squares) == 1


def test_holes_and_parts_are_minded_and_other_shapes_hold_nothing() -> None:
    outer, hole = [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]], [[3, 3], [6, 3], [6, 6], [3, 6], [3, 3]]
    assert outlines.contains({"type": "Polygon", "coordinates": [outer, hole]}, 1, 1)
    assert not outlines.contains({"type": "Polygon", "coordinates": [outer, hole]}, 4, 4)
    assert outlines.contains({"type": "MultiPolygon", "coordinates": [[hole], [outer, hole]]}, 4, 4)
    assert not outlines.contains({"type": "Point", "coordinates": [1, 1]}, 1, 1)
    assert not outlines.contains({}, 1, 1)
