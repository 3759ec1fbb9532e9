/** The number on the app's icon, where the browser has one: set after a round that brought something, less once it was looked at. */
import { countAwaiting } from "../store/awaiting.js";

/** @param {import("../store/meta.js").Session | null} session null clears it. A badge is never worth an error. */
export async function showBadge(session) {
  try {
    const count = session ? await countAwaiting(session) : 0;
    await (count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.());
  } catch (error) {
    console.error("no badge", error);
  }
}
