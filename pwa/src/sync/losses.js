/** Tells the server what its user said about a phone whose data are gone. */
import { lossOf, noteLoss } from "../store/losses.js";
import { Refused, ask } from "./http.js";

/** @param {import("../store/meta.js").Session} session */
export async function tellLoss(session) {
  const loss = await lossOf(session.author);
  if (loss?.answer !== "lost" || loss.is_told) return;
  try {
    await ask(session, `/api/devices/${loss.device}/loss`, { method: "POST" });
  } catch (error) {
    if (!(error instanceof Refused)) throw error; // that phone is none of this user's any more: nothing to tell
  }
  await noteLoss(session.author, { ...loss, is_told: true });
}
