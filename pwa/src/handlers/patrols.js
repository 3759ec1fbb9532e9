/** Starting and ending a patrol. While it runs it is the phone's own; its record is written once, at the end. */
import { newOrigin, originOf } from "./fields.js";
import { instant } from "./moments.js";
import { gridChoice, refuse, savedOr } from "./pages.js";

/** `POST /m/patrols` */
export async function startPatrol(input, store, context) {
  const { grids, grid } = await gridChoice(store, input.form.grid);
  if (!grids.length) return refuse(input, context, { label: "error.no_grid" });
  const { uuid } = originOf({ ...newOrigin(store, input.now), ...input.form }, store, input.now);
  const ended = await store.getRecord(`patrol:${uuid}`);
  const start = () => store.startPatrol({ uuid, grid, started_at: instant(input.now) });
  const refusal = ended ? null : await savedOr(store, input, context, start);
  return refusal ?? { redirect: "/m/" };
}

/** `POST /m/patrols/:id/end`: ends that patrol only, so that a form posted again never ends a later one. */
export async function endPatrol(input, store, context) {
  const running = await store.currentPatrol();
  if (running?.uuid !== input.params.id) return { redirect: "/m/" };
  const refusal = await savedOr(store, input, context, () => store.endPatrol({ ended_at: instant(input.now) }));
  return refusal ?? { redirect: `/m/records/patrol:${running.uuid}?saved=1` };
}
