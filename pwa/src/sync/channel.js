/**
 * News between page, service worker and sync worker; the types are listed in `pwa/README.md`. A hint only: whoever misses
 * one finds the same in the store.
 */

const NAME = "xunge";

/** Tells all other contexts. @param {{type: string} & Record<string, any>} news */
export function tell(news) {
  const channel = new BroadcastChannel(NAME);
  channel.postMessage(news);
  channel.close();
}

/** Listens until the returned function is called. @param {(news: any) => void} hear */
export function listen(hear) {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = ({ data }) => hear(data);
  return () => channel.close();
}
