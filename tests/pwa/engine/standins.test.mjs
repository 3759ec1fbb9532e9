/** The emitter that stands in for PouchDB's, against Node's own, which the package copies. */
import assert from "node:assert/strict";
import { EventEmitter as Real } from "node:events";
import { test } from "node:test";

const { default: Ours } = await import("../../../pwa/standins/events.js");

/** What is heard, in order, when one emitter is used in every way PouchDB does. */
function history(Emitter) {
  const [emitter, heard] = [new Emitter(), /** @type {any[]} */ ([])];
  const note = (word) => (...told) => heard.push([word, ...told]);
  const [a, b] = [note("a"), note("b")];
  emitter.on("x", a).once("x", b).addListener("y", a);
  heard.push(emitter.emit("x", 1, 2), emitter.emit("x", 3), emitter.emit("nobody"));
  heard.push(Emitter.listenerCount(emitter, "x"), emitter.listenerCount("z"));
  emitter.once("y", b);
  emitter.removeListener("y", b).removeListener("y", a);
  heard.push(emitter.emit("y"));
  emitter.on("y", () => emitter.removeAllListeners("y")).on("y", a);
  heard.push(emitter.emit("y", "removing while told"), emitter.emit("y"));
  emitter.removeAllListeners();
  heard.push(emitter.emit("x"));
  assert.throws(() => emitter.emit("error", new Error("unheard")), /unheard/);
  emitter.on("error", b);
  heard.push(emitter.emit("error", "heard"));
  return heard;
}

test("it does what Node's does", () => {
  assert.deepEqual(history(Ours), history(Real));
});

test("its methods can be copied from the prototype, and a class may extend it without a constructor that calls it first", () => {
  assert.ok(["on", "once", "emit", "removeListener", "addListener"].every((name) => Object.keys(Ours.prototype).includes(name)));
  const copied = Object.fromEntries(Object.keys(Ours.prototype).map((name) => [name, Ours.prototype[name].bind(new Ours())]));
  assert.equal(typeof copied.emit, "function");
});
