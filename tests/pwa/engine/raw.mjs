/** What somebody finds who reads a phone's storage below the app: every name, text and byte of its databases. */

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** All of it as one text, bytes read as UTF-8. @param {(name: string) => boolean} [isWanted] of databases */
export async function rawText(isWanted = () => true) {
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    if (!isWanted(name)) continue;
    const db = await done(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const rows = db.transaction(store).objectStore(store);
      for (const value of (await Promise.all([done(rows.getAllKeys()), done(rows.getAll())])).flat()) found.push(await textOf(value));
    }
    db.close();
  }
  return found.join("\n");
}

async function textOf(value) {
  if (value instanceof Blob) return Buffer.from(await value.arrayBuffer()).toString();
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString();
  if (value === null || typeof value !== "object") return String(value);
  return (await Promise.all(Object.entries(value).map(async ([name, one]) => `${name} ${await textOf(one)}`))).join("\n");
}
