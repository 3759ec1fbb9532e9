/**
 * What waits on this phone, record by record: those that are unsent, and those of which a photo is. Everything comes from the outbox
 * and the uploads, as they are at this moment.
 *
 * @typedef {{size_bytes: number, photos: number}} Waiting of one record: with its photos' records and files
 */
import { entries, uploads } from "./outbox.js";
import { getRecord } from "./reading.js";
import { addWhere, isGoing, isSeen } from "./where.js";

/**
 * The newest of them with `where` and `waiting`, and how many more there are: those beyond `limit`, and what has no page of its own (a
 * track, what was read) or cannot be read now.
 * @param {import("./meta.js").Session} session @param {number} limit
 */
export async function waitingRows(session, limit) {
  const found = await waitingByRecord(session.author);
  const ids = [...found.keys()].filter(isSeen).sort((one, other) => momentOf(other).localeCompare(momentOf(one)));
  const records = await Promise.all(ids.slice(0, limit).map((id) => getRecord(session, id)));
  const rows = await addWhere(session, records.filter((row) => row !== null));
  return { rows: rows.map((row) => ({ ...row, waiting: found.get(row.id) })), more: found.size - rows.length };
}

/** @returns {Promise<Map<string, Waiting>>} */
async function waitingByRecord(author) {
  const [records, files] = await Promise.all([entries(author), uploads(author)]);
  const found = new Map();
  const add = (of, size_bytes, photos) => {
    const held = found.get(of) ?? { size_bytes: 0, photos: 0 };
    found.set(of, { size_bytes: held.size_bytes + size_bytes, photos: held.photos + photos });
  };
  // A sealed photo's document does not tell whose it is; its file does.
  const ofs = new Map(files.map(({ photo, of }) => [photo, of]));
  for (const { id, doc, size_bytes } of records) add(id.startsWith("photo:") ? (doc.of ?? ofs.get(id) ?? id) : id, size_bytes, 0);
  for (const { of, size_bytes } of files.filter(isGoing)) add(of, size_bytes, 1);
  return found;
}

/** Ids begin with the moment they were made. @param {string} id */
function momentOf(id) {
  return id.slice(id.indexOf(":") + 1);
}
