/**
 * `GET /m/photos/<id>/<size>`: bytes of a photo, from this phone when it took it, else from the server (kept, so that it is
 * there the next time without network).
 */
import { openStore } from "../store/index.js";
import { photosCache } from "../store/removal.js";

const PATTERN = /^\/m\/photos\/([^/]+)\/(thumb|screen|original)$/;
const KEPT = 400;

/** Is this the address of a photo? @param {string} pathname */
export function isPhoto(pathname) {
  return PATTERN.test(pathname);
}

/** @param {Request} request */
export async function photo(request) {
  const [, part, size] = /** @type {RegExpExecArray} */ (PATTERN.exec(new URL(request.url).pathname));
  const id = decodeURIComponent(part);
  const store = await openStore();
  if (!store) return new Response(null, { status: 404 });
  const blob = await store.photoBlob(id, /** @type {any} */ (size));
  if (blob) return new Response(blob, { headers: headersOf(blob.type) });
  return size === "original" ? fromServer(store.session, id, size) : kept(store.session, id, size);
}

function headersOf(type) {
  const image = /^image\/(jpeg|png|webp|heic|heif|avif|gif)$/.test(type) ? type : "application/octet-stream";
  return { "Content-Type": image, "Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff" };
}

async function kept(session, id, size) {
  const cache = await caches.open(photosCache(session.author));
  const key = `/m/photos/${encodeURIComponent(id)}/${size}`;
  const held = await cache.match(key);
  if (held) return held;
  const response = await fromServer(session, id, size);
  if (response.ok) await keepCopy(cache, key, response.clone());
  return response;
}

async function keepCopy(cache, key, response) {
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - KEPT)).map((old) => cache.delete(old)));
  await cache.put(key, response).catch(() => undefined); // a full phone shows the photo all the same
}

async function fromServer(session, id, size) {
  try {
    const response = await fetch(`/api/photos/${encodeURIComponent(id)}/${size}`, {
      headers: { Authorization: `Bearer ${session.token}` },
      credentials: "omit",
    });
    return response.ok ? response : new Response(null, { status: response.status });
  } catch {
    return new Response(null, { status: 504 });
  }
}
