"""The errands that staff of the demo district do for residents 代办事项, with what each takes. Plausible, made up."""

from collections.abc import Iterator

from server.demo.district import VALID_FROM
from server.domain import lists
from server.domain.list_versions import Version

# key, Chinese, English, unit, days, materials in both languages (DOMAIN 跑长制: a published list for each item)
ITEMS = (
    (
        "minimum-living",
        "最低生活保障申请",
        "Minimum living allowance",
        "civil",
        30,
        "居民身份证；户口簿；收入证明；申请书",
        "Identity card; Household register; Proof of income; Application",
    ),
    (
        "old-age",
        "高龄津贴申领",
        "Old-age allowance",
        "civil",
        15,
        "居民身份证；一寸照片；银行卡",
        "Identity card; Passport photo; Bank card",
    ),
    (
        "disability",
        "残疾人证办理",
        "Disability certificate",
        "civil",
        20,
        "居民身份证；两寸照片；诊断证明；评定申请表",
        "Identity card; Photo; Diagnosis; Assessment form",
    ),
    (
        "medical",
        "城乡居民医保参保",
        "Residents' medical insurance",
        "civil",
        5,
        "居民身份证；户口簿；缴费凭证",
        "Identity card; Household register; Proof of payment",
    ),
    (
        "residence",
        "居住证办理",
        "Residence permit",
        "police",
        15,
        "居民身份证；租赁合同；一寸照片",
        "Identity card; Lease; Passport photo",
    ),
    (
        "heating",
        "供暖费减免申请",
        "Heating fee relief",
        "civil",
        10,
        "居民身份证；低保证；供暖缴费单",
        "Identity card; Allowance certificate; Heating bill",
    ),
    (
        "proof",
        "居住情况证明",
        "Proof of residence",
        "community",
        1,
        "居民身份证；房产证或租赁合同",
        "Identity card; Deed or lease",
    ),
)


def entries() -> Iterator[Version]:
    """One entry an item."""
    for key, zh, en, unit, days, materials, materials_en in ITEMS:
        body = lists.ErrandItem(
            name=zh,
            name_en=en,
            unit=f"unit:{unit}",
            days=days,
            materials=materials.split("；"),
            materials_en=[one.strip() for one in materials_en.split(";")],
        )
        yield Version("errands", key, 0, VALID_FROM, None, body)
