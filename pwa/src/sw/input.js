/**
 * Turns a request into what a handler gets: plain objects of strings and lists of files.
 */

/**
 * @param {Request} request @param {Record<string, string>} params
 */
export async function inputOf(request, params) {
  const url = new URL(request.url);
  const fields = request.method === "POST" ? await request.formData() : new FormData();
  const { form, every, files } = sorted(fields);
  const is_htmx = request.headers.get("HX-Request") === "true";
  return {
    method: request.method,
    path: url.pathname,
    params,
    query: Object.fromEntries(url.searchParams),
    form,
    every,
    files,
    is_htmx,
    now: Date.now(),
  };
}

/** @param {FormData} fields */
function sorted(fields) {
  /** @type {Record<string, string>} */ const form = {};
  /** @type {Record<string, string[]>} */ const every = {};
  /** @type {Record<string, File[]>} */ const files = {};
  for (const [name, value] of fields) {
    if (typeof value === "string") {
      form[name] ??= value;
      (every[name] ??= []).push(value);
    } else if (value.size) {
      (files[name] ??= []).push(value);
    }
  }
  return { form, every, files };
}
