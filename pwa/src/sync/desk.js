/** The desk's own pages, which an officer's requests for household data lead to in this browser, have a session of their own. */

/** Ends it with the app's. Without network the server asks for the password anew before it shows anything of a household. */
export async function endDeskSession() {
  await fetch("/api/session", { method: "DELETE", credentials: "same-origin", keepalive: true }).catch(() => undefined);
}
