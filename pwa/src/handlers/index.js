/** Every address of the phone app and what answers it. The service worker finds its handler here (`sw/router.js`). */
import { orAnother } from "./another.js";
import { showBeat, showCompound, showVisitLog } from "./beats.js";
import { showCases } from "./cases.js";
import { dropDraft, keepDraft } from "./drafts.js";
import { showDuty } from "./duty.js";
import { showErrands } from "./errand-list.js";
import { removePicture, savePart, showPart } from "./errand-parts.js";
import { moveErrand, saveErrand, showErrand, showErrandForm } from "./errands.js";
import { saveHouseholdEdit, showHouseholdEdit } from "./household-edits.js";
import { showHomes } from "./homes.js";
import { saveHousehold, showHousehold, showHouseholdForm } from "./households.js";
import {
  addBiometrics, chooseMinutes, lockNow, resetPin, setPin, showForgotten, showLock, showPin, unlock,
} from "./lock.js";
import { showMe, showSyncChip } from "./me.js";
import { showNear } from "./near.js";
import { saveMember, saveMemberEdit, showMemberEdit, showMemberForm } from "./members.js";
import { sendNote, showNoteForm } from "./notes.js";
import { openMasked } from "./openings.js";
import { addPoint, endPatrol, resumePatrol, sendTrack, showTrack, startPatrol } from "./patrols.js";
import { setPush } from "./push.js";
import { showPlaces } from "./places.js";
import { showPhoto, showRecord } from "./records.js";
import { answerLoss, handOver, resend } from "./refused.js";
import { showReportForm } from "./report-form.js";
import { saveReport, sendOriginals, undoReport } from "./reports.js";
import { chooseLanguage, chooseTextSize, chooseTheme, showSignIn, showSignOut, signIn, signOut } from "./session.js";
import { showSync } from "./sync-centre.js";
import { answerTask, showTask } from "./tasks.js";
import { showToday } from "./today.js";
import { saveVisit, showHouseholdVisitForm, showPoliceVisitForm } from "./visits.js";

const ROUTES = [
  { method: "GET", path: "/m/", handle: showToday },
  { method: "GET", path: "/m/report", handle: showReportForm },
  { method: "GET", path: "/m/report/near", handle: showNear },
  { method: "GET", path: "/m/report/places", handle: showPlaces },
  { method: "GET", path: "/m/report/duty", handle: showDuty },
  { method: "POST", path: "/m/reports", handle: saveReport },
  { method: "POST", path: "/m/drafts/:uuid", handle: keepDraft },
  { method: "POST", path: "/m/drafts/:uuid/drop", handle: dropDraft },
  { method: "GET", path: "/m/records/:id", handle: showRecord },
  { method: "GET", path: "/m/records/:id/photos/:n", handle: showPhoto },
  { method: "POST", path: "/m/records/:id/resend", handle: resend },
  { method: "POST", path: "/m/records/:id/undo", handle: undoReport },
  { method: "POST", path: "/m/records/:id/originals", handle: sendOriginals },
  { method: "GET", path: "/m/records/:id/note", handle: showNoteForm },
  { method: "POST", path: "/m/records/:id/notes", handle: sendNote },
  { method: "GET", path: "/m/tasks/:id", handle: showTask },
  { method: "POST", path: "/m/tasks/:id/replies", handle: answerTask },
  { method: "POST", path: "/m/patrols", handle: startPatrol },
  { method: "POST", path: "/m/patrols/:id/points", handle: addPoint },
  { method: "POST", path: "/m/patrols/:id/end", handle: endPatrol },
  { method: "POST", path: "/m/patrols/:id/resume", handle: resumePatrol },
  { method: "GET", path: "/m/patrols/:id/track", handle: showTrack },
  { method: "POST", path: "/m/patrols/:id/track", handle: sendTrack },
  { method: "GET", path: "/m/homes", handle: showHomes },
  { method: "GET", path: "/m/homes/new", handle: showHouseholdForm },
  { method: "POST", path: "/m/households", handle: saveHousehold },
  { method: "GET", path: "/m/homes/:id", handle: showHousehold },
  { method: "GET", path: "/m/homes/:id/edit", handle: showHouseholdEdit },
  { method: "POST", path: "/m/homes/:id/edits", handle: saveHouseholdEdit },
  { method: "POST", path: "/m/homes/:id/openings", handle: openMasked },
  { method: "GET", path: "/m/homes/:id/members/new", handle: showMemberForm },
  { method: "POST", path: "/m/homes/:id/members", handle: saveMember },
  { method: "GET", path: "/m/members/:id/edit", handle: showMemberEdit },
  { method: "POST", path: "/m/members/:id/edits", handle: saveMemberEdit },
  { method: "GET", path: "/m/homes/:id/errands/new", handle: showErrandForm },
  { method: "POST", path: "/m/homes/:id/errands", handle: saveErrand },
  { method: "GET", path: "/m/errands", handle: showErrands },
  { method: "GET", path: "/m/errands/:id", handle: showErrand },
  { method: "POST", path: "/m/errands/:id/state", handle: moveErrand },
  { method: "GET", path: "/m/errands/:id/note", handle: showNoteForm },
  { method: "POST", path: "/m/errands/:id/notes", handle: sendNote },
  { method: "GET", path: "/m/errands/:id/:part", handle: showPart },
  { method: "POST", path: "/m/errands/:id/:part", handle: savePart },
  { method: "POST", path: "/m/errands/:id/:part/photos/:photo/removal", handle: removePicture },
  { method: "GET", path: "/m/homes/:home/tasks/:id", handle: showTask },
  { method: "POST", path: "/m/homes/:home/tasks/:id/replies", handle: answerTask },
  { method: "GET", path: "/m/homes/:id/visits/new", handle: showHouseholdVisitForm },
  { method: "GET", path: "/m/visits", handle: showBeat },
  { method: "GET", path: "/m/visits/log", handle: showVisitLog },
  { method: "GET", path: "/m/compounds/:id", handle: showCompound },
  { method: "GET", path: "/m/visits/new", handle: showPoliceVisitForm },
  { method: "POST", path: "/m/visits", handle: saveVisit },
  { method: "GET", path: "/m/cases", handle: showCases },
  { method: "GET", path: "/m/lock", handle: showLock },
  { method: "POST", path: "/m/lock", handle: lockNow },
  { method: "POST", path: "/m/unlock", handle: unlock },
  { method: "GET", path: "/m/pin", handle: showPin },
  { method: "POST", path: "/m/pin", handle: setPin },
  { method: "GET", path: "/m/pin/forgotten", handle: showForgotten },
  { method: "POST", path: "/m/pin/forgotten", handle: resetPin },
  { method: "POST", path: "/m/lock/biometrics", handle: addBiometrics },
  { method: "POST", path: "/m/lock/minutes", handle: chooseMinutes },
  { method: "GET", path: "/m/me", handle: showMe },
  { method: "GET", path: "/m/sync", handle: showSync },
  { method: "POST", path: "/m/push", handle: setPush },
  { method: "GET", path: "/m/sync-chip", handle: showSyncChip },
  { method: "GET", path: "/m/sign-in", handle: showSignIn, open: true },
  { method: "POST", path: "/m/session", handle: signIn, open: true },
  { method: "GET", path: "/m/session/end", handle: showSignOut },
  { method: "POST", path: "/m/session/end", handle: signOut },
  { method: "POST", path: "/m/loss", handle: answerLoss },
  { method: "POST", path: "/m/hand-over", handle: handOver },
  { method: "POST", path: "/m/text-size", handle: chooseTextSize },
  { method: "POST", path: "/m/theme", handle: chooseTheme },
  { method: "POST", path: "/m/language", handle: chooseLanguage, open: true },
];

export const routes = Object.freeze(ROUTES.map((route) => (route.method === "POST" ? { ...route, handle: orAnother(route.handle) } : route)));
