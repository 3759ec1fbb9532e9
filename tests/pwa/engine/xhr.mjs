/** `XMLHttpRequest` over `fetch`, as much of it as `src/sync/tus.js` uses: Node has none. It tells no progress. */

globalThis.XMLHttpRequest = /** @type {any} */ (class {
  upload = {};
  headers = {};

  open(method, url) {
    Object.assign(this, { method, url });
  }

  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  async send(body) {
    try {
      const response = await fetch(this.url, { method: this.method, headers: this.headers, body: body ?? undefined });
      Object.assign(this, { status: response.status, answered: response.headers, responseText: await response.text() });
    } catch (error) {
      return this.onerror(error);
    }
    return this.onload();
  }

  getResponseHeader(name) {
    return this.answered.get(name);
  }

  abort() {}
});
