/**
 * Sealing what an earlier version of the app left plain: bodies in PouchDB, the outbox, refusals, photo bytes. In place and in small steps,
 * so that it may be stopped anywhere and goes on the next time the vault is open; what is sealed already is left alone. Nothing leaves its
 * place, and no revision changes.
 */
import { parse } from "./databases.js";
import { idsOf, localNames, rewrite } from "./documents.js";
import { done, transact } from "./idb.js";
import { whole } from "./links.js";
import { setState, state, uploads } from "./outbox.js";
import { openOwn, under } from "./own.js";
import { linksMade } from "./saving.js";
import { isPlain, sealBlob, sealDoc } from "./sealed.js";
import { isSealed, keyOf, vaultOf } from "./vault.js";

/**
 * Seals whatever is plain and should not be; nothing while locked or when it was done before.
 * @param {import("./meta.js").Session} session @param {(author: string) => Promise<any>} [forgetCopies] of photos that came from the server
 */
export async function sweep(session, forgetCopies = async () => undefined) {
  const { author, databases } = session;
  const [vault, key] = await Promise.all([vaultOf(author), keyOf(author)]);
  if (!vault || vault.is_swept || !key) return;
  const names = ((await localNames(author)) ?? databases.map(({ name }) => name)).filter(isSealed);
  await whole(session); // what is sealed does not tell its links any more
  await sealRows(author, key, "outbox");
  await sealRows(author, key, "refused");
  // A photo that is not in PouchDB yet is on its way up.
  await sealBlobs(author, key, (await uploads(author)).flatMap(({ photo, database }) => (isSealed(database) ? [photo] : [])));
  for (const name of names) {
    await sealBlobs(author, key, await idsOf(author, name, "photo"));
    await rewrite(author, name, (docs) => Promise.all(docs.map((doc) => (isPlain(name, doc) ? sealDoc(key, name, doc) : null))));
  }
  await forgetCopies(author);
  for (const { name } of databases) await dropPlainIndex(author, parse(name).grid);
  const now = await vaultOf(author);
  if (now) await setState(author, "vault", { ...now, is_swept: true }, "strict");
}

/** The index of households that was made before there was a vault; it is made anew. */
async function dropPlainIndex(author, grid) {
  if (typeof (await state(author, `homes:${grid}`)) === "string") await setState(author, `homes:${grid}`, null);
}

/** Rows that carry a document: as they were, with its body sealed, and its links told, which it does not tell any more. */
async function sealRows(author, key, name) {
  const db = await openOwn(author);
  const rows = await transact(db, [name], "readonly", (tx) => done(tx.objectStore(name).getAll()));
  for (const row of rows.filter(({ database, doc }) => doc && isPlain(database, doc))) {
    const sealed = await sealDoc(key, row.database, row.doc);
    const links = linksMade(author, row.database, row.doc);
    await transact(db, [name], "readwrite", async (tx) => {
      const store = tx.objectStore(name);
      const held = await done(store.get(row.key ?? row.id));
      if (held?.rev === row.rev) store.put({ ...held, doc: sealed, links });
    }, "strict");
  }
}

/** One photo at a time: a phone has 2 GB. */
async function sealBlobs(author, key, photos) {
  const db = await openOwn(author);
  for (const photo of photos) {
    const files = await transact(db, ["blobs"], "readonly", (tx) => done(tx.objectStore("blobs").getAll(under(photo))));
    for (const file of files.filter(({ sealed_type }) => sealed_type === undefined)) {
      const sealed = await sealBlob(key, file);
      await transact(db, ["blobs"], "readwrite", async (tx) => {
        const store = tx.objectStore("blobs");
        if ((await done(store.getKey(file.key))) !== undefined) store.put(sealed);
      }, "strict");
    }
  }
}
