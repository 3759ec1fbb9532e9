/**
 * The app's own files, kept whole by version: a version is complete in the cache before it may take over.
 */

const PREFIX = "xunge-files-";
const CURRENT = PREFIX + BUILD_VERSION;

/** Fetches every file of this version; fails as a whole. */
export async function precache() {
  const cache = await caches.open(CURRENT);
  await cache.addAll(BUILD_FILES.map((path) => new Request(path, { cache: "reload", credentials: "omit" })));
}

/** Drops the files of other versions. */
export async function dropOldFiles() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CURRENT).map((name) => caches.delete(name)));
}

/** Is this one of the app's files? @param {string} pathname */
export function isFile(pathname) {
  return BUILD_FILES.includes(pathname);
}

/** @param {Request} request */
export async function file(request) {
  const cache = await caches.open(CURRENT);
  const { pathname } = new URL(request.url);
  return (await cache.match(pathname)) ?? fetch(request);
}
