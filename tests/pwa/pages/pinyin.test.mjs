/** Finding Chinese by first letters: the sort order of the engine is the only source, so it is asked about many characters. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { finder, initialsOf } from "../../../pwa/src/handlers/pinyin.js";

const SURNAMES =
  "王w李l张z刘l陈c杨y赵z黄h周z吴w徐x孙s胡h朱z高g林l何h郭g马m罗l梁l宋s郑z谢x韩h唐t冯f于y董d萧x程c曹c袁y邓d许x傅f沈s彭p吕l苏s卢l蒋j蔡c丁d魏w薛x叶y阎y" +
  "余y潘p杜d戴d夏x钟z汪w田t任r姜j范f方f姚y谭t廖l邹z熊x金j陆l郝h孔k白b崔c康k毛m邱q秦q江j史s顾g侯h邵s孟m龙l段d雷l钱q汤t尹y黎l易y常c武w乔q贺h赖l龚g文w哈h买m" +
  "纳n虎h拜b撒s海h洪h锁s铁t者z缪m冼x晁c宓m逄p褚c燕y应y阚k费f宁n能n那n沙s冉r权q强q仉z亓q厍s佘s佟t蔺l禹y亢k咸x鲜x温w涂t屠t臧z阳y欧o慕m呼h鄂e安a";
/** Surnames whose reading is not the character's usual one. */
const OTHERWISE = "厦x曾z单s解x仇q区o查z尉y乐y覃q秘b召s翟z繁p种c郇x朴p盖g万m隗k";
const PLACES = "楼l栋d单d元y室s号h路l街j村c社s园y府f城c湾w里l门m垃l圾j堆d污w水s电d燃r气q消x防f违w章z搭d停t噪z声s民m邻l纠j纷f欠q薪x烟y爆b犬q绿l化h井j冰b雪x儿e女n暖n";

const pairs = (text) => [...text.matchAll(/(.)([a-z])/gu)].map(([, sign, letter]) => [sign, letter]);

test("every usual surname and word of places has its letter", () => {
  for (const [sign, letter] of pairs(SURNAMES + PLACES)) assert.equal(initialsOf(sign), letter, sign);
});

test("a surname read otherwise than its character is found by both readings", () => {
  for (const [sign, letter] of pairs(OTHERWISE)) {
    assert.ok(finder(letter)(sign), `${sign} by ${letter}`);
    assert.ok(finder(initialsOf(sign))(sign), sign);
  }
  assert.ok(finder("zxh")("曾小红"));
  assert.ok(finder("cxh")("曾小红"));
});

test("letters find a run of syllables anywhere in a text, digits count as themselves", () => {
  assert.ok(finder("cdz")("电动车 充电桩"));
  assert.ok(finder("HYL")("怀远路街道"));
  assert.ok(finder("3hl 2")("3号楼2单元"));
  assert.ok(finder("h301")("1 号 301 室"));
  assert.equal(finder("cz")("电动车充电桩"), false);
  assert.equal(finder("xyz1")("下"), false);
});

test("what is typed as it stands is found too, and nothing typed finds everything", () => {
  assert.ok(finder("充电")("电动车充电"));
  assert.ok(finder("dog")("Dog without a lead"));
  assert.ok(finder("  ")("任何"));
  assert.equal(finder("？！")("充电"), false);
  assert.equal(finder("充d")("充电"), false);
});
