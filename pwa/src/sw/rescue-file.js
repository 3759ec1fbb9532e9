/** `GET /m/rescue.xunge`: the rescue file as a download, made while it is taken. */
import { openStore } from "../store/index.js";
import { rescueFile } from "../store/rescue-file.js";

export const RESCUE_FILE = "/m/rescue.xunge";

export async function answerRescueFile() {
  const store = await openStore();
  const now = new Date().toISOString();
  const parts = store && rescueFile(store.session, now);
  if (!parts) return new Response(null, { status: 303, headers: { Location: "/m/me" } });
  const name = `xunge-${store.session.author}-${now.slice(0, 16).replace(/\D/g, "")}.xunge`;
  const headers = { "Content-Type": "application/octet-stream", "Content-Disposition": `attachment; filename="${name}"`, "Cache-Control": "no-store" };
  return new Response(streamOf(parts), { headers });
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
