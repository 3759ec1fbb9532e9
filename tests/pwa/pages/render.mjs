/**
 * For the template tests: view models as the handlers make them, with what the phone makes of each. Prints JSON lines
 * `{name, route, template, language, model, html}` for every page, in both languages, as a whole page and as a fragment.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { texts } from "./app.mjs";
import { shownPages } from "./models.mjs";

const PWA = new URL("../../../pwa/", import.meta.url);
const { precompile } = await import(new URL("src/render/precompile.mjs", PWA));
const { environmentOf } = await import(new URL("src/render/environment.js", PWA));

async function compiled() {
  const folder = mkdtempSync(join(tmpdir(), "templates-"));
  const file = join(folder, "templates.mjs");
  writeFileSync(file, precompile(new URL("templates", PWA).pathname));
  const { default: templates } = await import(pathToFileURL(file).href);
  rmSync(folder, { recursive: true });
  return templates;
}

const templates = await compiled();
const hostile = JSON.parse(readFileSync(new URL("hostile.json", import.meta.url), "utf8"));
for (const language of ["zh-CN", "en"]) {
  const environment = environmentOf(templates, texts(language));
  const pages = [...(await shownPages(language)), ...hostile];
  for (const { name, route = null, template, data } of pages) {
    for (const layout of ["layouts/page.html", "layouts/fragment.html"]) {
      const model = JSON.parse(JSON.stringify({ ...data, layout, lang: language, text_size: "large", theme: "phone", version: "test", path: "/m/x?y=1&z=2" }));
      console.log(JSON.stringify({ name, route, template, language, model, html: environment.render(template, model) }));
    }
  }
}
// A pipe takes what was written only bit by bit: the end waits for it.
process.stdout.write("", () => process.exit(0));
