/**
 * The rescue file: everything unsent of everybody on this phone, sealed for the server, to be carried to a clerk when the phone cannot
 * send it any more (`server/rescue/`). Nothing leaves the phone's tables: what is sent later all the same is one record at the server.
 *
 * Records come first and photos after them, each a piece at a time, so that a hundred photos need no more memory than one.
 */
import { sealPieces } from "../crypto/pieces.js";
import { encoded, joined } from "../crypto/seal.js";
import { batchesOf, documentsHanded, fileHanded } from "./handing.js";
import { sessions } from "./meta.js";
import { entries, setState, state, uploads } from "./outbox.js";

const PIECE_BYTES = 1 << 20;
const DOCUMENTS_BYTES = 700_000;

/**
 * The file's bytes, part by part; null when this phone does not know the server's key yet (it has not met it since it was updated).
 * @param {import("./meta.js").Session} session whose phone it is now @param {string} made_at
 */
export function rescueFile({ author, seal_key }, made_at) {
  return seal_key?.proof ? sealPieces(seal_key, noted(author, made_at)) : null;
}

/** When this user last made one that was taken to its end, or null. @param {string} author @returns {Promise<string | null>} */
export function rescuedAt(author) {
  return state(author, "rescue-file");
}

async function* noted(author, made_at) {
  let [documents, files] = [0, 0];
  for (const session of await sessions()) {
    for await (const piece of partOf(session, made_at)) {
      documents += piece.count ?? 0;
      if (piece.letter === "F") files += 1;
      yield joined(encoded(piece.letter), piece.bytes);
    }
  }
  yield encoded(`E${JSON.stringify({ documents, files })}`);
  await setState(author, "rescue-file", made_at);
}

/** One user's part; nothing of whoever has nothing unsent, or has not met the server since it gives proofs. */
async function* partOf(session, made_at) {
  const { author, device, seal_key } = session;
  const [waiting, files] = await Promise.all([entries(author), uploads(author)]);
  const lacking = files.filter(({ is_kept }) => !is_kept);
  if (!seal_key?.proof || waiting.length + lacking.length === 0) return;
  yield { letter: "P", bytes: json({ author, device, proof: seal_key.proof, made_at }) };
  for (const batch of batchesOf(waiting, DOCUMENTS_BYTES)) {
    yield { letter: "D", count: batch.length, bytes: json(await documentsHanded(author, batch)) };
  }
  for (const file of lacking) yield* piecesOf(author, file);
}

async function* piecesOf(author, upload) {
  const file = await fileHanded(author, upload);
  if (!file) return;
  const { photo, role, database, sha256, content_type, blob } = { ...upload, ...file };
  const about = json({ photo, role, database, sha256, size_bytes: blob.size, filetype: content_type });
  const part = async (from) => new Uint8Array(await blob.slice(from, from + PIECE_BYTES).arrayBuffer());
  yield { letter: "F", bytes: joined(about, encoded("\n"), await part(0)) };
  for (let from = PIECE_BYTES; from < blob.size; from += PIECE_BYTES) yield { letter: "B", bytes: await part(from) };
}

function json(value) {
  return encoded(JSON.stringify(value));
}
