/**
 * A form whose id was saved before with something else in it: corrected after a failure that had saved it all the same, or filled in again
 * on a page that was gone back to. It becomes another record, with an id of its own, so that nothing that was typed is dropped.
 */
import { SavedOtherwise } from "../store/errors.js";

/** @template {(input: any, store: any, context: any) => Promise<any>} H @param {H} handle of a form @returns {H} */
export function orAnother(handle) {
  return /** @type {H} */ (async (input, store, context) => {
    const { another: _, ...form } = input.form;
    try {
      return await handle({ ...input, form }, store, context);
    } catch (error) {
      if (!(error instanceof SavedOtherwise)) throw error;
      return handle({ ...input, form: { ...form, another: store.uuid(input.now) } }, store, context);
    }
  });
}
