/**
 * What can go wrong in local storage, as errors a handler can tell apart. No text for people here: pages have it.
 */

/** The phone has no room: nothing of the attempted write was kept. */
export class StorageFull extends Error {
  constructor(cause) {
    super("local storage is full", { cause });
    this.name = "StorageFull";
  }
}

/** A document is over the limit the server would refuse it for; `size_bytes` and `limit_bytes` say by how much. */
export class TooLarge extends Error {
  constructor(id, size_bytes, limit_bytes) {
    super(`${id} is ${size_bytes} bytes, the limit is ${limit_bytes}`);
    Object.assign(this, { name: "TooLarge", id, size_bytes, limit_bytes });
  }
}

/** Nobody may write into this database from this phone (no such grid, or no longer). */
export class NoSuchDatabase extends Error {
  constructor(kind, grid) {
    super(`no ${kind} database for grid ${grid}`);
    Object.assign(this, { name: "NoSuchDatabase", kind, grid });
  }
}

/** Something else was saved under this record's id before: nothing was written, and it needs an id of its own. */
export class SavedOtherwise extends Error {
  constructor(id) {
    super(`${id} was saved with other content`);
    Object.assign(this, { name: "SavedOtherwise", id });
  }
}

/** It is sealed, and the user has not unlocked. Nothing was read or written. */
export class Locked extends Error {
  constructor() {
    super("locked");
    this.name = "Locked";
  }
}

/** True for the ways browsers say that a quota is used up, also when PouchDB has wrapped it. */
export function isQuota(error) {
  const told = [error?.name, error?.reason, error?.message, error?.cause?.name].join(" ");
  return /QuotaExceeded|quota_exceeded|quota/i.test(told);
}
