/**
 * The store as handlers see it: everything one signed-in user may ask of this phone, with the user already filled in.
 * Rows are `{id, database, doc}`, and with `where` (`where.js`) in the lists that say so. No HTTP here, no pages.
 *
 * Saving a report looks like this:
 *
 *     const database = store.databaseFor("grid", grid);
 *     const file = {role: "sent", content_type: "image/jpeg", width_px, height_px, ...(await store.fingerprint(blob))};
 *     const report = store.mint("report", {uuid, grid, captured_at, category, text, urgency, place, photos: [photoId], …});
 *     const photo = store.mint("photo", {uuid: photoUuid, grid, captured_at, of: report._id, files: [file], taken_at, place});
 *     await store.saveRecord({
 *       docs: [{database, doc: report}, {database, doc: photo}],
 *       blobs: [{photo: photo._id, role: "sent", blob}],
 *     });
 */
import { nextStamp } from "./clock.js";
import { photosNamed } from "./capture.js";
import * as begun from "./drafts.js";
import { beatDues, refresh as refreshBeat } from "./beat-dues.js";
import { namesOf } from "./databases.js";
import { editOf, stampsOf } from "./edits.js";
import * as following from "./following.js";
import * as homes from "./homes.js";
import { followWritten } from "./indexes.js";
import * as identity from "./identity.js";
import { openThere } from "./idb.js";
import { madeOn, newestOf } from "./links.js";
import { currentSession } from "./meta.js";
import { confirmLoss, noteLoss } from "./losses.js";
import * as outbox from "./outbox.js";
import { openOwn } from "./own.js";
import * as patrols from "./patrols.js";
import * as reading from "./reading.js";
import * as refused from "./refusals.js";
import { noteRoom } from "./room.js";
import { rescuedAt } from "./rescue-file.js";
import * as saving from "./saving.js";
import { blobOf } from "./sealed.js";
import { dropSealedDraft, keepSearch, keptSearch, sealedDraft } from "./sealed-drafts.js";
import * as undoing from "./undo.js";
import { waitingRows } from "./waiting.js";
import { vaultFor } from "./unlocking.js";
import { forgetOthers } from "./vault.js";
import { fileOf } from "./winners.js";
import { addWhere, loadingOf, problem, status, unsent, withRefusedPhotos } from "./where.js";

export { Locked, NoSuchDatabase, StorageFull, TooLarge } from "./errors.js";

/** As many reports as a grid may see in three busy days. */
const REPORTS_NEAR = 200;

/** @typedef {ReturnType<typeof storeOf>} Store */

/**
 * The signed-in user's store, or null.
 * @param {(databases: string[]) => void} [wrote] told after every save which databases have something new to send
 * @returns {Promise<Store | null>}
 */
export async function openStore(wrote) {
  const session = await currentSession();
  forgetOthers(session?.author);
  if (session) beginReading(session);
  return session ? storeOf(session, wrote) : null;
}

/** Opens what lists read, all at once, before it is asked for; whoever needs one that cannot be opened hears of it then. @param {import("./meta.js").Session} session */
function beginReading({ author, databases }) {
  const names = namesOf(databases.filter(({ pull }) => pull), ["grid", "ref"]);
  const opening = [openOwn(author), ...names.map((name) => openThere(fileOf(author, name)))];
  opening.forEach((one) => one.catch(() => undefined));
}

/** The store of one session. @param {import("./meta.js").Session} session @param {(databases: string[]) => void} [wrote] */
export function storeOf(session, wrote = () => undefined) {
  const { author } = session;
  /** @template {{databases: string[]} | null} T @param {T} saved @returns {T} */
  const told = (saved) => {
    if (saved) wrote(saved.databases);
    return saved;
  };
  return {
    session,
    ...makers(session),
    ...lists(session),
    ...forms(author, told),
    /** What was typed into a form about a household, by its address (`sealed-drafts.js`). @param {string} path */
    sealedDraft: (path) => sealedDraft(author, path),
    /** @param {string} path */
    dropSealedDraft: (path) => dropSealedDraft(author, path),
    /** What is searched for among households, sealed. @param {string} typed */
    keepSearch: (typed) => keepSearch(author, typed),
    keptSearch: () => keptSearch(author),
    /** What seals `home-*` and `beat-*` (`vault.js`). */
    vault: vaultFor(session),
    /** Keeps records durably; see `saving.js`. @type {(record: Parameters<typeof saving.saveRecord>[1]) => ReturnType<typeof saving.saveRecord>} */
    saveRecord: async (record) => {
      const saved = told(await noteRoom(author, saving.saveRecord(session, record)));
      await followWritten(session, saved.databases);
      return saved;
    },
    /** The patrol that runs, or is over and not let go yet (`ended_at`); or null. */
    currentPatrol: () => patrols.current(author),
    /** The patrol that runs, or null. */
    runningPatrol: () => patrols.running(author),
    /** Starts a patrol; one that runs already goes on. @param {{uuid: string, grid: string, started_at: string}} patrol */
    startPatrol: (patrol) => patrols.start(session, patrol),
    /** Now as a patrol counts time, whatever became of this phone's clock; epoch milliseconds. @param {patrols.Patrol} patrol @param {number} now_ms */
    timeInPatrol: (patrol, now_ms) => patrols.timeIn(session, patrol, now_ms),
    /** A patrol with `ended_at`, not saved so yet. @param {patrols.Patrol} patrol @param {number} now_ms */
    patrolOver: (patrol, now_ms) => patrols.over(session, patrol, now_ms),
    /** Keeps a point of the running patrol; false when that one does not run. @param {string} uuid @param {number[]} point */
    addPoint: (uuid, point) => patrols.addPoint(author, uuid, point),
    /** @param {string} uuid */
    pointsOf: (uuid) => patrols.points(author, uuid),
    /** Nothing is recorded any more. @param {patrols.Patrol} patrol with `ended_at` */
    stopPatrol: (patrol) => patrols.stop(author, patrol),
    /** Goes on with a patrol that was stopped. @param {string} uuid */
    resumePatrol: (uuid) => patrols.resume(author, uuid),
    /** Saves the patrol and what its author lets go of its way. @param {any} patrol @param {Parameters<typeof patrols.end>[2]} way */
    endPatrol: async (patrol, way) => told(await patrols.end(session, patrol, way)),
    /** Sends a record that was put aside once more, with its photo records; false when a clerk has decided on it already. @param {string} id */
    resend: async (id) => {
      const rows = await refused.refusals(author);
      const photos = new Set(photosNamed((await reading.getRecord(session, id))?.doc));
      const sent = await refused.putBack(author, rows.filter((row) => (row.id === id || photos.has(row.id)) && row.state === "waiting"));
      return told(sent.length ? { databases: [] } : null) !== null;
    },
    /** It was this phone whose data are gone; or what was said of that is read, or was no loss (`losses.js`). */
    confirmLoss: () => confirmLoss(author),
    forgetLoss: () => noteLoss(author, null),
    /** Small state of the pages' own (a draft, the last grid), durable. @param {string} name */
    remembered: (name) => outbox.state(author, `page:${name}`),
    /** @param {string} name @param {any} value null forgets it */
    remember: (name, value) => outbox.setState(author, `page:${name}`, value, "strict"),
  };
}

/** Forms that are not sent, or not quite yet. @param {string} author @param {<T extends {databases: string[]} | null>(saved: T) => T} told */
function forms(author, told) {
  return {
    drafts: () => begun.drafts(author),
    /** @param {string} uuid */
    draft: (uuid) => begun.draft(author, uuid),
    /** @param {import("./drafts.js").Draft} draft @param {{key: string, role: string, blob: Blob}[]} files */
    keepDraft: (draft, files) => {
      const keeping = begun.keepDraft(author, draft, files);
      return files.length ? noteRoom(author, keeping) : keeping; // a few words fit where no photo does
    },
    /** @param {string} uuid */
    dropDraft: (uuid) => begun.dropDraft(author, uuid),
    /** @param {string} uuid @param {string} key */
    draftFiles: (uuid, key) => begun.draftFiles(author, uuid, key),
    /** Milliseconds in which a record may be taken back. @param {string} id @param {number} [now_ms] */
    undoTime: (id, now_ms) => undoing.undoTime(author, id, now_ms),
    /** @param {string} id @param {Parameters<typeof undoing.takeBack>[2]} draft */
    takeBack: async (id, draft) => (await undoing.takeBack(author, id, draft)) && told({ databases: [] }) !== null,
    /** How many originals of a record wait for Wi-Fi. @param {string} id */
    originalsWaiting: async (id) => (await outbox.uploads(author)).filter(({ of, wifi_only }) => wifi_only && of === id).length,
    /** Its user lets a record's originals go by any link. @param {string} id */
    sendOriginals: async (id) => {
      const waiting = (await outbox.uploads(author)).filter(({ of }) => of === id);
      for (const { key } of waiting) await outbox.noteUpload(author, key, { wifi_only: false });
      told({ databases: [] });
    },
  };
}

function makers(session) {
  return {
    /** An id for a record made at `now_ms` of this phone's clock; it sorts by the server's. @param {number} [now_ms] */
    uuid: (now_ms = Date.now()) => identity.uuidv7(now_ms - (session.offset_ms ?? 0)),
    fingerprint: identity.fingerprint,
    /** A document with its envelope, unsaved. @param {string} type @param {Parameters<typeof saving.mint>[2]} fields */
    mint: (type, fields) => saving.mint(session, type, fields),
    /** Database for a new record: kind `grid`, `home`, `home-quarter` or `beat`. @param {string} kind @param {string} grid */
    databaseFor: (kind, grid) => saving.placeFor(session, kind, grid),
    /** Makes ready for saving while a form is filled in (`saving.js`). @param {string} kind @param {string} grid */
    prepareFor: (kind, grid) => saving.prepareFor(session, kind, grid),
    /** The next clock stamp of this phone, later than those of the document it is for. @param {any} [doc] @returns {Promise<string>} */
    stamp: (doc) => nextStamp(session, doc ? stampsOf(doc) : []),
    /** A document with fields changed, unsaved (`edits.js`). @param {any} doc @param {Record<string, any>} changes @param {string} stamp */
    edit: (doc, changes, stamp) => editOf(doc, changes, stamp),
  };
}

function lists(session) {
  const { author } = session;
  const listed = async (type, options) => {
    const { rows, next } = await reading.listNewest(session, type, options);
    return { rows: await addWhere(session, rows), next };
  };
  return {
    /** Newest first, with `where`: `{rows, next}`. Options `{limit, before, mine}`. @param {any} [options] */
    listReports: (options) => listed("report", options),
    /** @param {any} [options] */
    listVisits: (options) => listed("visit", options),
    /** @param {any} [options] */
    listHouseholds: (options) => listed("household", options),
    /** @param {any} [options] */
    listPatrols: (options) => listed("patrol", options),
    /** All my reports made on a patrol, without `where`. @param {string} id of the patrol */
    madeOn: (id) => reading.linkedRows(session, madeOn(id), { limit: Infinity }),
    /** My newest records of several types, with `where`, in one go: a list for each. @param {[type: string, limit: number][]} wanted */
    listMine: async (wanted) => {
      const { rows, cases } = await reading.newestOwn(session, wanted);
      const placed = await addWhere(session, rows, cases);
      return wanted.map(([type]) => placed.filter(({ doc }) => doc.type === type));
    },
    /** How many of my returned errands are locked away now. */
    lockedNeeds: () => following.lockedNeeds(session),
    /** My reports and errands that need me, go on or have ended, with `where`. @param {"needs" | "going" | "ended"} group @param {any} [options] */
    listGroup: (group, options) => following.listGroup(session, group, options),
    /** My reports and errands for which `isWanted`, with `where`. @param {any} options */
    findMine: (options) => following.findMine(session, options),
    /** Reads ahead what `findMine` begins with. */
    beginSearch: () => following.beginSearch(session),
    /** Ids of my reports and errands whose cases moved since I looked, the last moved first. */
    news: () => following.listNews(session),
    /** I look at one. @param {string} id */
    noteSeen: (id) => following.noteSeen(author, id),
    /** One record with `where`, or null. @param {string} id */
    getRecord: async (id) => {
      const row = await reading.getRecord(session, id);
      return row ? (await addWhere(session, [row]))[0] : null;
    },
    /** Photo documents of a record. @param {import("./reading.js").Row} row */
    photosOf: (row) => reading.photosOf(session, row),
    /** Visits of a household or a compound with `where`. @param {string} household @param {{limit?: number, before?: string}} [options] from below the id `before` */
    visitsOf: async (household, options) => addWhere(session, await reading.linkedRows(session, household, options)),
    /** When each of these (compounds, households) was last visited, epoch milliseconds of the server, by id. @param {string[]} ofs */
    lastVisits: async (ofs) => new Map([...(await newestOf(author, ofs))].map(([of, id]) => [of, identity.madeAt(id)])),
    /** Every household, by address (`homes.js`); `fresh` makes sure of what was written since. @param {boolean} [fresh] */
    homes: async (fresh = false) => {
      if (fresh) await homes.refresh(session);
      return homes.homes(session);
    },
    /** A household's file with its members and errands, each a record with `where`, and its row of the index (`home`); null when this phone has none. @param {string} id */
    filesOf: async (id) => {
      const [household] = id.startsWith("household:") ? await addWhere(session, [await reading.getRecord(session, id)].flatMap((row) => row ?? [])) : [];
      if (!household) return null;
      await homes.refresh(session, household.doc.grid);
      const home = await homes.homeOf(session, id);
      const { m, e } = home;
      const parts = await addWhere(session, await reading.rowsOf(session, household.database, [...Object.keys(m), ...Object.keys(e)]));
      return { household, home, members: parts.filter(({ doc }) => doc.type === "member"), errands: parts.filter(({ doc }) => doc.type === "errand") };
    },
    /** When compounds are to be visited again, by id (`beat-dues.js`); `fresh` makes sure of what was written since. @param {boolean} [fresh] */
    beatDues: async (fresh = false) => {
      if (fresh) await refreshBeat(session);
      return beatDues(session);
    },
    /** How many visits to households are due. @param {number} now_ms of the server */
    dueCount: (now_ms) => homes.dueCount(session, now_ms),
    /** Where records stand, by id. @param {string[]} ids */
    whereAre: async (ids) => new Map((await addWhere(session, ids.map((id) => ({ id, database: "", doc: {} })))).map(({ id, where }) => [id, where])),
    /** Reference documents of a type, by id. @param {string} type */
    reference: (type) => reading.reference(session, type),
    /** Notes about a record or replies to a task, whoever wrote them, with `where`. @param {string} id */
    saidOf: async (id) => addWhere(session, await reading.linkedRows(session, id)),
    /** Tasks of this user's grids. */
    tasks: () => reading.tasks(session),
    /** Where one record stands, or null when it is not on this phone. @param {string} id */
    whereIs: async (id) => {
      const row = await reading.getRecord(session, id);
      return row ? (await addWhere(session, [row]))[0].where : null;
    },
    /** The case copy of a report, or null. @param {string} report */
    caseOf: async (report) => (await reading.casesOf(session, [{ id: report }])).get(report) ?? null,
    categories: () => reading.categories(session),
    /** Codes. @param {number} [count] */
    mostUsedCategories: (count) => reading.mostUsedCategories(session, count),
    grids: () => reading.grids(session),
    /** Rows of the reference data (units, duty rosters), those that are known. @param {string[]} ids */
    known: (ids) => reading.rowsOf(session, "ref", ids),
    /** The newest reports on this phone, whoever made them, without `where`. */
    recentReports: async () => (await reading.listNewest(session, "report", { limit: REPORTS_NEAR })).rows,
    /** Compounds (小区) of this user's grids. */
    compounds: () => reading.compounds(session),
    /** Whether a record was erased on request. @param {string} id */
    isErased: (id) => reading.isErased(session, id),
    /** Whether a record lies in what is sealed. @param {string} id */
    isSealed: (id) => reading.isInSealed(session, id),
    /** A photo's bytes on this phone, or null; a locked one's throw `Locked`. @param {string} photo @param {"thumb" | "screen" | "original" | "voice"} size */
    photoBlob: (photo, size) => photoBlob(author, photo, size),
    /** What waits, record by record (`waiting.js`). @param {number} limit */
    waiting: (limit) => waitingRows(session, limit),
    /** When the rescue file was made last, or null. */
    rescuedAt: () => rescuedAt(author),
    /** What was put aside, with its outcome. */
    refusals: () => refused.refusals(author),
    /** `{records, photos, count, documents, size_bytes, oldest_quarter}` not at the server yet. */
    unsent: () => unsent(author),
    status: () => status(session),
    /** `status().problem` alone. */
    problem: () => problem(author),
    /** How far the first load is (`where.js`). */
    loading: () => loadingOf(author),
    /** Ids of records of which a photo was not accepted (`where.photos_refused`). */
    withRefusedPhotos: () => withRefusedPhotos(session),
  };
}

/** What the browser cannot decode is shown as the server has made it, and by nothing until then. */
async function photoBlob(author, photo, size) {
  const isPicture = size === "thumb" || size === "screen";
  const roles = { thumb: ["thumb", "sent"], screen: ["sent", "original"], original: ["original", "sent"] }[size] ?? ["sent"];
  for (const role of roles) {
    const blob = await blobOf(author, photo, role);
    if (blob && !(isPicture && /hei[cf]$/.test(blob.type))) return blob;
  }
  return null;
}
