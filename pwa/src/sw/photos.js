/**
 * `GET /m/photos/<id>/<size>`: bytes of a photo, from this phone when it took it, else from the server (kept, so that it is
 * there the next time without network).
 */
import { Locked, openStore } from "../store/index.js";
import { photosCache } from "../store/removal.js";

const PATTERN = /^\/m\/photos\/([^/]+)\/(thumb|screen|original|voice)$/;
const DRAFT = /^\/m\/drafts\/([^/]+)\/files\/([^/]+)$/;
const KEPT = 400;

/** Is this the address of a photo? @param {string} pathname */
export function isPhoto(pathname) {
  return PATTERN.test(pathname) || DRAFT.test(pathname);
}

/** @param {Request} request */
export async function photo(request) {
  const { pathname } = new URL(request.url);
  const [, id, size] = (PATTERN.exec(pathname) ?? DRAFT.exec(pathname) ?? []).map(decodeURIComponent);
  const isDraft = DRAFT.test(pathname);
  const store = await openStore();
  const blob = await (isDraft ? draftFile(store, id, size) : store?.photoBlob(id, /** @type {any} */ (size)).catch(nothingLocked));
  if (blob) return whole(blob, request.headers.get("Range"));
  if (isDraft || !store) return new Response(null, { status: 404 });
  // Of a household nothing is kept that is not sealed, and nothing fetched while locked.
  const isSealed = await store.isSealed(id);
  if (isSealed) return (await store.vault.standing()) === "open" ? fromServer(store.session, id, size, "no-store") : new Response(null, { status: 404 });
  return size === "original" ? fromServer(store.session, id, size) : kept(store.session, id, size);
}

function nothingLocked(error) {
  if (!(error instanceof Locked)) throw error;
  return null;
}

async function draftFile(store, uuid, key) {
  const { thumb, sent, original } = (await store?.draftFiles(uuid, key)) ?? {};
  return thumb ?? sent ?? original;
}

/** A file of this phone's; players of sound ask for a part of it, and some play nothing without. */
function whole(blob, range) {
  const [, from] = /^bytes=(\d+)-/.exec(range ?? "") ?? [];
  const headers = { ...headersOf(blob.type), "Accept-Ranges": "bytes" };
  if (!from || Number(from) >= blob.size) return new Response(blob, { headers });
  const part = { ...headers, "Content-Range": `bytes ${from}-${blob.size - 1}/${blob.size}` };
  return new Response(blob.slice(Number(from)), { status: 206, headers: part });
}

function headersOf(type) {
  const known = /^(image\/(jpeg|png|webp|heic|heif|avif|gif)|audio\/(webm|mp4|ogg))(;|$)/.test(type) ? type : "application/octet-stream";
  return { "Content-Type": known, "Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff" };
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

async function fromServer(session, id, size, cache = /** @type {RequestCache} */ ("default")) {
  try {
    const response = await fetch(`/api/photos/${encodeURIComponent(id)}/${size}`, {
      headers: { Authorization: `Bearer ${session.token}` },
      credentials: "omit",
      cache,
    });
    return response.ok ? response : new Response(null, { status: response.status });
  } catch {
    return new Response(null, { status: 504 });
  }
}
