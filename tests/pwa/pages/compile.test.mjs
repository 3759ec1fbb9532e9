/** How templates are compiled: what text keeps, what a name may be, and that everything outside the agreed subset fails the build. */
import assert from "node:assert/strict";
import { test } from "node:test";

const { compileAll } = await import("../../../pwa/src/render/precompile.mjs");
const { environmentOf } = await import("../../../pwa/src/render/environment.js");

/** Renders `page.html` of these templates. */
async function rendered(templates, data = {}) {
  const code = compileAll(new Map(Object.entries(templates)));
  const { default: compiled } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return environmentOf(compiled, { greeting: "Hello {name}" }).render("page.html", data);
}

test("text comes out as it stands, whatever it means to JavaScript", async () => {
  const text = "a `b` ${c} \\n \\${d} \\` $e {f}\n</script>";
  assert.equal(await rendered({ "page.html": text }), text);
});

test("values are escaped once, what is missing is nothing, and HTML of a macro stays HTML wherever it goes", async () => {
  const macros = '{% macro b(x) %}<b>{{ x }}</b>{% endmacro %}{% macro box(x) %}<i>{{ x }}</i>{% endmacro %}';
  const page = '{% from "m.html" import b, box as frame %}{{ b(name) }}{{ frame(b("<")) }}{{ gone.far }}{{ name | e }}{{ t("greeting", {"name": name}) }}';
  const html = await rendered({ "m.html": macros, "page.html": page }, { name: '<"&\'>' });
  const name = "&lt;&#34;&amp;&#39;&gt;";
  assert.equal(html, `<b>${name}</b><i><b>&lt;</b></i>${name}Hello ${name}`);
});

test("names may be words of JavaScript", async () => {
  const page = '{% macro m(new) %}{{ new }}{% endmacro %}{% for class in list %}{{ class }}{{ m(class) }}{% endfor %}';
  assert.equal(await rendered({ "page.html": page }, { list: ["x", "y"] }), "xxyy");
});

test("loops count, say which is last, and have something to say when there is nothing", async () => {
  const page = "{% for x in list %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}";
  assert.equal(await rendered({ "page.html": page }, { list: ["a", "b"] }), "1a,2b");
  assert.equal(await rendered({ "page.html": page }, { list: [] }), "none");
  assert.equal(await rendered({ "page.html": page }), "none");
});

test("a part sees the page's data and the loop it stands in; a page fills its layout's blocks, and the layout's own where it fills none", async () => {
  const html = await rendered({
    "base.html": "[{% block top %}top{% endblock %}|{% block main %}{% endblock %}]",
    "middle.html": '{% extends "base.html" %}{% block top %}middle{% endblock %}',
    "part.html": "{{ sign }}{{ x }}",
    "page.html": '{% extends layout %}{% block main %}{% for x in list %}{% include "part.html" %}{% endfor %}{% endblock %}',
  }, { layout: "middle.html", list: [1, 2], sign: "#" });
  assert.equal(html, "[middle|#1#2]");
});

for (const [what, bad] of Object.entries({
  "set": "{% set a = 1 %}",
  "a chained comparison": "{{ 1 < a < 3 }}",
  "arithmetic": "{{ a + 1 }}",
  "a method": "{{ a.trim() }}",
  "a function nobody gave": "{{ fetch(a) }}",
  "two names in a loop": "{% for k, v in a %}{% endfor %}",
  "a macro that sees more than its arguments": "{% macro m() %}{{ secret }}{% endmacro %}",
  "a macro's default": "{% macro m(x=1) %}{% endmacro %}",
  "a default that is not for empty values": '{{ a | default("x") }}',
  "a block in a loop": "{% for x in a %}{% block b %}{% endblock %}{% endfor %}",
  "a macro that is not there": '{% from "page.html" import nothing %}',
})) {
  test(`${what} fails the build and names the file`, () => {
    assert.throws(() => compileAll(new Map([["page.html", bad]])), /page\.html/);
  });
}
