/** The filters of the phone's templates, held against the examples that their Python twins are held against. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { FILTERS } from "../../../pwa/src/render/filters.js";

const EXAMPLES = JSON.parse(readFileSync(new URL("../filters.json", import.meta.url), "utf8"));

test("every filter has examples", () => {
  assert.deepEqual(Object.keys(EXAMPLES).sort(), Object.keys(FILTERS).sort());
});

for (const [name, examples] of Object.entries(EXAMPLES)) {
  test(`${name} gives what the examples say`, () => {
    for (const [given, expected] of examples) assert.equal(FILTERS[name](given), expected);
  });
}
