/**
 * Bringing what lies on this phone to the shape this version of the app writes, before it answers its first request: everybody's tables,
 * also of those who are signed out. The steps themselves are `own.js`'s; each is one transaction, so a phone that is switched off in
 * between goes on where it was.
 */
import { sessions } from "./meta.js";
import { openOwn } from "./own.js";

/** Safe to call again. One user's tables that cannot be opened now (no room) do not keep the others' back: opening them tries again. */
export async function migrate() {
  for (const { author } of await sessions()) await openOwn(author).catch((error) => console.error("not migrated yet", error));
}
