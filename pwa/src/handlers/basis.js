/** Why a household's facts may be kept, and since when: shown, asked for with a new file, put right in one that is there. Nothing of it is masked. */
import { needed, oneOf, options, textOf, within, withoutIdNumber } from "./fields.js";
import { dayOf, instant, momentOf, momentOfCapture } from "./moments.js";
import { fact } from "./records.js";
import { WAS } from "./edits.js";

const HOW = Object.freeze(["consent_spoken", "consent_signed", "statutory_duty"]);
const FIELDS = Object.freeze(["purpose", "how", "given_on"]);
const DAY = /^\d{4}-\d\d-\d\d$/;

/** What is picked from. @param {any} context @param {string} [chosen] */
export function waysOf(context, chosen = "") {
  return options(context, "how", HOW, chosen);
}

/** What the form of a new file says before anybody wrote. @param {number} now_ms by the server */
export function usualBasis(context, now_ms) {
  return { purpose: context.t("household.purpose_default"), given_on: dayOf(now_ms) };
}

/** A file's basis as a form's texts, with the hidden fields that say what was shown (`edits.js`). @param {any} doc */
export function basisForm({ basis: { purpose, how, given_at } }) {
  const form = { purpose, how, given_on: dayOf(Date.parse(given_at)) };
  return { form, shown: FIELDS.map((name) => ({ name: WAS + name, value: form[name] })) };
}

/** What may be wrong with it, by field. @param {Record<string, string>} form @param {number} now_ms by the server */
export function basisChecks(form, limits, now_ms) {
  const [purpose, day] = [textOf(form, "purpose"), textOf(form, "given_on")];
  return {
    purpose: needed(purpose, "wrong.purpose_missing") ?? within(purpose, limits.short, "wrong.address_too_long") ?? withoutIdNumber(purpose),
    how: oneOf(textOf(form, "how"), HOW, "wrong.how_missing"),
    given_on: day && (!DAY.test(day) || Number.isNaN(Date.parse(day)) || day > dayOf(now_ms)) ? { label: "wrong.given_on" } : null,
  };
}

/** The basis a form states; on the day it was filled in, from that moment. @param {Record<string, string>} form @param {number} now_ms by the server */
export function basisOf(form, now_ms) {
  const day = textOf(form, "given_on");
  const given_ms = !day || day === dayOf(now_ms) ? now_ms : Date.parse(day);
  return { purpose: textOf(form, "purpose"), given_at: instant(given_ms), how: form.how };
}

/** Whether a form shows the basis: one that an earlier version of the app had drawn does not. @param {Record<string, string>} form */
export function showsBasis(form) {
  return `${WAS}how` in form;
}

/** `{basis}` where a form changed what it had shown of it, on top of what the file says by now. @param {any} doc @param {Record<string, string>} form @param {number} now_ms by the server */
export function basisChange({ basis }, form, now_ms) {
  const isChanged = (name) => textOf(form, name) !== (form[WAS + name] ?? "");
  const said = basisOf(form, now_ms);
  const changed = {
    ...(isChanged("purpose") ? { purpose: said.purpose } : {}),
    ...(isChanged("how") ? { how: said.how } : {}),
    ...(isChanged("given_on") && textOf(form, "given_on") ? { given_at: said.given_at } : {}),
  };
  return showsBasis(form) && Object.keys(changed).length ? { basis: { ...basis, ...changed } } : {};
}

/** As the file shows it. */
export function basisFacts(doc, { now_ms }) {
  const { purpose, how, given_at } = doc.basis;
  return [
    fact("household.purpose", { text: purpose }),
    fact("household.how", { key: `how.${how}` }),
    fact("household.given_on", { day: momentOf(given_at, now_ms) }),
    fact("record.captured_at", { at: momentOfCapture(doc, now_ms) }),
  ];
}
