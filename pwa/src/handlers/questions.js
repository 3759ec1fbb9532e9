/**
 * Questions of a form that is data: a campaign's or a visit's. What they ask comes from the server, with labels in one language or both; an
 * answer is checked here as there (`server/domain/visit_forms.py`).
 */
import { nameIn } from "./catalogue.js";
import { limitsOf, numberOf, wholeNumber, within, withoutIdNumber } from "./fields.js";

/** @typedef {{key: string, kind: string, label: any, options?: any[], needed?: boolean, most?: number}} Question */

/** The field's name. */
export function fieldOf({ key }) {
  return `answer-${key}`;
}

/** A question as a field: `choices` when one is to be picked. @param {Question} question @param {any} context @param {string} [said] what it is filled in with */
export function questionOf(question, context, said = "") {
  const { label, kind, needed = false } = question;
  const choices = choicesOf(question, context).map(([value, name]) => ({ value, label: name, chosen: value === said, extra: "" }));
  const title = nameIn(label, context.language) + (choices.length && needed ? ` · ${context.t("form.needed")}` : "");
  return { name: fieldOf(question), label: title, kind: kind === "number" ? "number" : "text", value: said, is_needed: needed, choices };
}

/** @param {any} question @returns {[string, string][]} value and words */
function choicesOf({ kind, options = [] }, { t, language }) {
  if (kind === "yes_no") return [["yes", t("answer.yes")], ["no", t("answer.no")]];
  return options.map((one) => (typeof one === "string" ? [one, one] : [one.value, nameIn(one.label, language)]));
}

/** What is wrong with what was typed or picked. @param {string} said @param {Question} question */
export function checkAnswer(said, { kind, label, needed, options = [], most = 0 }, context) {
  const question = nameIn(label, context.language);
  const missing = { label: "wrong.answer_missing", slots: { question } };
  if (!said) return needed ? missing : null;
  if (kind === "number") return wrongNumber(said, question, most);
  if (kind === "choice" && !options.some((one) => (one.value ?? one) === said)) return missing;
  return within(said, limitsOf(context).short) ?? withoutIdNumber(said);
}

/** Where it is known how many there can be at most, whole ones are counted; else any number is measured. */
function wrongNumber(said, question, most) {
  if (most) return wholeNumber(said, most, "wrong.whole_number", { question, most });
  return numberOf(said, -Number.MAX_VALUE, Number.MAX_VALUE) === null ? { label: "wrong.not_a_number" } : null;
}

/** What was said as a visit's answer is kept: yes and no as truths, numbers as numbers. @param {string} said @param {Question} question */
export function answerOf(said, { kind }) {
  if (kind === "yes_no") return said === "yes";
  return kind === "number" ? Number(said) : said;
}

/** A visit's answer in words. @param {any} answer @param {Question} question */
export function answerText(answer, question, context) {
  const value = typeof answer === "boolean" ? (answer ? "yes" : "no") : String(answer);
  return choicesOf(question, context).find(([one]) => one === value)?.[1] ?? value;
}
