/**
 * Every local database of a phone as plain JSON, and back: what a version of the app wrote is recorded once (`record.mjs`) and opened by
 * every later one (`released.test.mjs`). Works on bare IndexedDB, so that no code of the app takes part in it.
 */
const BLOB = "@blob";

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** `[{name, version, stores: [{name, keyPath, autoIncrement, indexes, rows: [[key, value]]}]}]` of all databases there are. */
export async function dump() {
  const databases = [];
  for (const { name, version } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    databases.push({ name, version, stores: await Promise.all([...db.objectStoreNames].map((store) => storeOf(db, store))) });
    db.close();
  }
  return databases.sort((one, other) => one.name.localeCompare(other.name));
}

async function storeOf(db, name) {
  const store = db.transaction(name).objectStore(name);
  const { keyPath, autoIncrement } = store;
  const indexes = [...store.indexNames].map((index) => {
    const { keyPath: path, unique, multiEntry } = store.index(index);
    return { name: index, keyPath: path, unique, multiEntry };
  });
  const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
  const rows = await Promise.all(keys.map(async (key, at) => [key, await plain(values[at])]));
  return { name, keyPath, autoIncrement, indexes, rows };
}

/** Makes those databases, exactly. None of them may be there. @param {any[]} databases */
export async function load(databases) {
  for (const { name, version, stores } of databases) {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => {
      for (const store of stores) {
        const { keyPath, autoIncrement } = store;
        const made = request.result.createObjectStore(store.name, { keyPath, autoIncrement });
        for (const { name: index, keyPath: path, unique, multiEntry } of store.indexes) made.createIndex(index, path, { unique, multiEntry });
        for (const [key, value] of store.rows) made.put(rich(value), ...(keyPath === null ? [key] : []));
      }
    };
    (await done(request)).close();
  }
}

async function plain(value) {
  if (value instanceof Blob) return { [BLOB]: Buffer.from(await value.arrayBuffer()).toString("base64"), type: value.type };
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError(`no way to write down a ${value.constructor.name}`);
  return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([name, one]) => [name, await plain(one)])));
}

function rich(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(rich);
  if (BLOB in value) return new Blob([Buffer.from(value[BLOB], "base64")], { type: value.type });
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, rich(one)]));
}
