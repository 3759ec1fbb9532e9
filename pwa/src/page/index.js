/**
 * The page's own script: htmx, and the few things only a page can do (camera, shrinking photos, place, permission to keep
 * data). Pages themselves come from the service worker; records are saved there, never here.
 */
import "htmx.org";

import { startSync } from "../sync/client.js";
import { watchBiometrics } from "./biometrics.js";
import { watchCalls } from "./called.js";
import { watchCatalogue } from "./catalogue.js";
import { watchDrafts } from "./draft.js";
import { watchForms } from "./forms.js";
import { watchHolds } from "./hold.js";
import { watchNews } from "./live.js";
import { watchLock } from "./lock.js";
import { watchNavigation } from "./navigation.js";
import { watchPhone } from "./phone.js";
import { photosReady, watchPhotos } from "./photos.js";
import { placeReady, watchPlace } from "./place.js";
import { watchPush } from "./push.js";
import { watchSignature } from "./signature.js";
import { watchWalk } from "./walk.js";
import { watchUndo } from "./undo.js";
import { watchVoice } from "./voice.js";
import { watchSealedDrafts } from "./sealed-draft.js";

watchForms();
watchNavigation();
watchPhotos();
watchHolds(photosReady, placeReady);
watchVoice();
watchDrafts();
watchUndo();
watchSignature();
watchCatalogue();
watchPlace();
watchWalk();
watchPush();
watchCalls();
watchPhone();
watchNews();
watchLock();
watchBiometrics();
watchSealedDrafts();
startSync();
