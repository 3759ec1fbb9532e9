/** Reports that a visit names beforehand: one that was taken back goes on under an id that follows from its own, which no visit can name. */
import { uuidOfPhoto } from "./photos.js";
import { uuidOf } from "../store/identity.js";

/** Which id derived from a report's is its draft's after an undo. */
const UNDONE = 900;
/** So often a report is looked for that was taken back again and again. */
const TIMES_MOST = 4;

/** The id of the draft that a report becomes when it is taken back: asked twice, it is the same one. @param {string} uuid @returns {Promise<string>} */
export function afterUndo(uuid) {
  return uuidOfPhoto(uuid, UNDONE);
}

/** What there is of a report that a visit names: its record, or the draft that it is; neither when it was never begun. @param {any} store @param {string} id */
export async function raisedAs(store, id) {
  for (let [uuid, n] = [uuidOf(id), 0]; n < TIMES_MOST; [uuid, n] = [await afterUndo(uuid), n + 1]) {
    const [record, draft] = await Promise.all([store.getRecord(`report:${uuid}`), store.draft(uuid)]);
    if (record || draft) return { record, draft: record ? null : draft };
  }
  return { record: null, draft: null };
}
