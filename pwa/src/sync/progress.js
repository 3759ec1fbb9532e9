/**
 * What the sync worker tells the rest of the app: the lasting part in the store (`state` "sync"), the moment over the channel.
 */
import { changeState } from "../store/outbox.js";
import { tell } from "./channel.js";

const IDS_TOLD = 200;

/** Notes fields of the sync state and tells pages. @param {string} author @param {Record<string, any>} fields */
export async function note(author, fields) {
  const status = await changeState(author, "sync", { ...fields, phase_at_ms: Date.now() });
  tell({ type: "status", status });
}

/** Tells pages that records changed: new ones came, or these changed their place. */
export function tellChanged(databases, ids) {
  tell({ type: "changed", databases, ids: ids.slice(0, IDS_TOLD) });
}
