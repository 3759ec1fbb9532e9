/** Time that a test lets pass: how fast the machine is does not matter then. */

/**
 * Does `work` while timers and the steady clock go on a millisecond at a time, each as soon as the code has done what it had to do.
 * @template T @param {import("node:test").TestContext} t @param {() => Promise<T>} work @returns {Promise<T>}
 */
export async function inItsOwnTime(t, work) {
  let [now_ms, isOver] = [0, false];
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = t.mock.method(performance, "now", () => now_ms);
  try {
    const done = work().finally(() => (isOver = true));
    while (!isOver) {
      await turn();
      await turn();
      now_ms += 1;
      t.mock.timers.tick(1);
    }
    return await done;
  } finally {
    clock.mock.restore();
    t.mock.timers.reset();
  }
}
