/**
 * Reading forms: each check answers `null` or what is wrong with a field. Limits come from `generated/domain.json`, so that
 * phone and server refuse the same things. Saving is the handlers' own.
 *
 * @typedef {{label: string, slots?: object} | null} Wrong
 */

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const PHONE = /^[0-9 +-]+$/;
/**
 * 18 digits (the last may be X): a resident ID number, which no record may carry (DESIGN §5 `household`). Written apart (`640105 1990…`) they are
 * one when a day of birth stands in its place, since two telephone numbers are as long.
 */
const ID_NUMBER = /(?:^|\D)(?=(\d(?:[\s.·_/‐-―−-]{0,2}\d){16}[\s.·_/‐-―−-]{0,2}[\dXx])(?![\dXx]))/g;
const BORN = /^\d{6}(18|19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])/;
const FALLBACK = Object.freeze({ text_length: 4000, short_length: 200, photos: 30, move_text: 1000 });

/** `{text, short, photos, said}`: how long texts may be (`said`: of what a case is told) and how many photos a record takes. */
export function limitsOf(context) {
  const { text_length, short_length, photos, move_text } = { ...FALLBACK, ...context.domain?.limits };
  return { text: text_length, short: short_length, photos, said: move_text };
}

/** The record's id and capture time, made when the form was rendered; made now when the form carries none, or is another record (`another.js`). */
export function originOf(form, store, now_ms) {
  if (form.another) return { uuid: form.another, captured_at: new Date(now_ms).toISOString() };
  const uuid = UUID_V7.test(form.uuid ?? "") ? form.uuid : store.uuid(now_ms);
  const captured_at = INSTANT.test(form.captured_at ?? "") ? form.captured_at : new Date(now_ms).toISOString();
  return { uuid, captured_at };
}

/** What a form carries from the moment it is rendered. */
export function newOrigin(store, now_ms) {
  return { uuid: store.uuid(now_ms), captured_at: new Date(now_ms).toISOString() };
}

/** @param {Record<string, string>} form @param {string} name */
export function textOf(form, name) {
  return (form[name] ?? "").trim();
}

/** @returns {Wrong} */
export function needed(value, label) {
  return value ? null : { label };
}

/** @returns {Wrong} */
export function within(value, limit, label = "wrong.text_too_long") {
  return [...value].length <= limit ? null : { label, slots: { limit } };
}

/** @returns {Wrong} */
export function withoutIdNumber(value) {
  const found = [...value.normalize("NFKC").matchAll(ID_NUMBER)].map(([, written]) => ({ written, digits: written.replace(/[^\dXx]/g, "") }));
  return found.some(({ written, digits }) => written === digits || BORN.test(digits)) ? { label: "wrong.id_number" } : null;
}

/** @returns {Wrong} */
export function oneOf(value, allowed, label) {
  return allowed.includes(value) ? null : { label };
}

/** @returns {Wrong} */
export function telephone(value) {
  return !value || PHONE.test(value) ? withoutIdNumber(value) : { label: "wrong.phone" };
}

/** @returns {Wrong} */
export function wholeNumber(value, most, label, slots = {}) {
  return !value || (/^\d+$/.test(value) && Number(value) <= most) ? null : { label, slots };
}

/**
 * The fields of a form with what is wrong: `[{name, label?, slots?}]`, in the form's order.
 * @param {Record<string, Wrong>} checks
 */
export function judged(checks) {
  return Object.entries(checks).map(([name, wrong]) => ({ name, ...wrong }));
}

/** Whether any field is wrong. */
export function isRefused(fields) {
  return fields.some(({ label }) => label);
}

/** Radio buttons of values whose words are `<prefix>.<value>`. */
export function options(context, prefix, values, chosen) {
  return values.map((value) => ({
    value, label: context.t(`${prefix}.${value}`), chosen: value === chosen, extra: value === "emergency" ? "alarm" : "",
  }));
}

/** A number of a hidden field, or null when it is empty or out of range. */
export function numberOf(text, least, most) {
  const value = text ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}
