/**
 * Fingerprint or face by WebAuthn: the phone's own authenticator answers a salt with a secret that only it can make (the PRF extension),
 * and that secret goes with the form to the service worker, never further. Where the browser or the phone has no such thing it is not offered.
 */
import { base64Of, bytesOf } from "../crypto/seals.js";
import { whenArrived } from "./arrival.js";

const FORM = "form[data-prf], form[data-prf-user]";
const KINDS = Object.freeze([-7, -257].map((alg) => ({ type: /** @type {const} */ ("public-key"), alg })));
/** @type {WeakSet<EventTarget>} forms that carry an answer */
const answered = new WeakSet();
const random = () => crypto.getRandomValues(new Uint8Array(32));

export function watchBiometrics() {
  if (!window.PublicKeyCredential) return;
  whenArrived("[data-prf-offer]", async (part) => (part.hidden = !(await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable())));
  whenArrived("form[data-prf]", (form) => (form.hidden = false));
  document.addEventListener("submit", askFirst, { capture: true });
}

function askFirst(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!form.matches(FORM) || answered.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  void ask(form).catch(() => null).then((given) => {
    for (const [name, value] of Object.entries(given ?? { secret: "none" })) /** @type {any} */ (form.elements.namedItem(name)).value = value;
    answered.add(form);
    form.requestSubmit();
  });
}

/** @param {HTMLFormElement} form */
async function ask({ dataset }) {
  const salt = dataset.salt ? bytesOf(dataset.salt) : random();
  const id = dataset.prf ? bytesOf(dataset.prf) : await newCredential(dataset.prfUser ?? "");
  const extensions = { prf: { eval: { first: salt } } };
  const allowCredentials = [{ type: /** @type {const} */ ("public-key"), id }];
  const found = await navigator.credentials.get({ publicKey: { challenge: random(), allowCredentials, userVerification: "required", extensions } });
  const secret = /** @type {any} */ (found).getClientExtensionResults().prf?.results?.first;
  if (!secret) return null;
  const given = { secret: base64Of(new Uint8Array(secret)) };
  return dataset.prf ? given : { ...given, credential: base64Of(id), salt: base64Of(salt) };
}

/** @param {string} name of the user, as the phone's system shows it */
async function newCredential(name) {
  const made = await navigator.credentials.create({
    publicKey: {
      rp: { name: document.title },
      user: { id: random(), name, displayName: name },
      challenge: random(),
      pubKeyCredParams: [...KINDS],
      authenticatorSelection: { authenticatorAttachment: "platform", userVerification: "required", residentKey: "discouraged" },
      extensions: { prf: {} },
    },
  });
  return new Uint8Array(/** @type {any} */ (made).rawId);
}
