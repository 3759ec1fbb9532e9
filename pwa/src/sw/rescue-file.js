/** `GET /m/rescue.xunge`: the rescue file as a download, made while it is taken. */
import { currentSession, sessions } from "../store/meta.js";
import { rescueFile } from "../store/rescue-file.js";

export const RESCUE_FILE = "/m/rescue.xunge";

export async function answerRescueFile() {
  const now = new Date().toISOString();
  const session = await whose();
  const parts = session && rescueFile(session, now);
  if (!parts) return new Response(null, { status: 303, headers: { Location: "/m/me" } });
  const name = `xunge-${session.author}-${now.slice(0, 16).replace(/\D/g, "")}.xunge`;
  const headers = { "Content-Type": "application/octet-stream", "Content-Disposition": `attachment; filename="${name}"`, "Cache-Control": "no-store" };
  return new Response(streamOf(parts), { headers });
}

/** Who makes it. When nobody is signed in, anybody of the phone: all of it is in the file whoever makes it, and only the server opens it. */
async function whose() {
  const all = [await currentSession(), ...(await sessions())];
  return all.find((session) => session?.seal_key?.proof) ?? null;
}

/** As fast as it is written down, and no further ahead. @param {AsyncGenerator<Uint8Array>} parts */
function streamOf(parts) {
  return new ReadableStream({
    pull: async (stream) => {
      const { value, done } = await parts.next();
      if (done) stream.close();
      else stream.enqueue(value);
    },
    cancel: async () => void (await parts.return(undefined)),
  }, { highWaterMark: 1 });
}
