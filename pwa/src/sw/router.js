/**
 * Finds the handler of a request: method and path against the routes of `src/handlers`. Pure.
 *
 * @typedef {{method: string, path: string, handle: Function, open?: boolean}} Route
 */

/** @param {string} path such as `/m/records/:id` */
export function patternOf(path) {
  const source = path.replace(/[.+*?()[\]{}\\^$|]/g, "\\$&").replace(/:([a-z_]+)/g, "(?<$1>[^/]+)");
  return new RegExp(`^${source}/?$`);
}

/**
 * The first route that fits, with its parameters; null when none does. Fixed paths win over parameters.
 * @param {Route[]} routes @param {string} method @param {string} pathname
 * @returns {{route: Route, params: Record<string, string>} | null}
 */
export function match(routes, method, pathname) {
  const ordered = [...routes].sort((one, other) => Number(one.path.includes(":")) - Number(other.path.includes(":")));
  for (const route of ordered) {
    const found = route.method === method && patternOf(route.path).exec(pathname);
    if (found) return { route, params: decoded(found.groups ?? {}) };
  }
  return null;
}

function decoded(groups) {
  return Object.fromEntries(Object.entries(groups).map(([name, part]) => [name, safelyDecoded(part)]));
}

function safelyDecoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray percent sign is not worth a broken page
  }
}
