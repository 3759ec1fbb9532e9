/**
 * From a handler's answer to a response: page or fragment, redirect for a plain form, the target itself for htmx.
 */
import { render } from "../render/index.js";

// The server's headers do not reach pages that are made here: the same strict policy has to be said again.
const HTML = {
  "Content-Type": "text/html; charset=utf-8",
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
};

/** Restoring history asks by htmx too, but for a whole page. @param {Request} request */
export function wantsFragment(request) {
  return request.headers.get("HX-Request") === "true" && request.headers.get("HX-History-Restore-Request") !== "true";
}

/**
 * @param {{template: string, data?: any, status?: number, headers?: Record<string, string>}} answer
 * @param {{request: Request, path: string, texts: import("./texts.js").Texts, version: string, chosen: {text_size: string, theme: string}, user?: any}} shown
 */
export function pageOf(answer, { request, path, texts, version, chosen: { text_size, theme }, user }) {
  const layout = wantsFragment(request) ? "layouts/fragment.html" : "layouts/page.html";
  const model = { ...answer.data, layout, path, version, user, text_size, theme, lang: texts.language };
  const body = render(answer.template, model, texts);
  return new Response(body, { status: answer.status ?? 200, headers: { ...HTML, ...answer.headers } });
}

/** For a plain form: the browser asks for the target itself. */
export function seeOther(location) {
  return new Response(null, { status: 303, headers: { Location: location, "Cache-Control": "no-store" } });
}
