/** The emitter of PouchDB's databases: of `events` what a browser's bundle calls. */
const METHODS = {
  on(type, hear) {
    this.heard ??= new Map();
    this.heard.set(type, [...this.listeners(type), hear]);
    return this;
  },

  once(type, hear) {
    const first = (...told) => {
      this.removeListener(type, first);
      hear.apply(this, told);
    };
    return this.on(type, Object.assign(first, { listener: hear }));
  },

  listeners(type) {
    return this.heard?.get(type) ?? [];
  },

  listenerCount(type) {
    return this.listeners(type).length;
  },

  removeListener(type, hear) {
    this.heard?.set(type, this.listeners(type).filter((one) => one !== hear && one.listener !== hear));
    return this;
  },

  removeAllListeners(type) {
    if (type === undefined) this.heard?.clear();
    else this.heard?.delete(type);
    return this;
  },

  setMaxListeners() {
    return this;
  },

  /** An error nobody hears is thrown. */
  emit(type, ...told) {
    const all = this.listeners(type);
    if (type === "error" && !all.length) throw told[0];
    for (const hear of all) hear.apply(this, told);
    return all.length > 0;
  },
};

export default class EventEmitter {
  static listenerCount(emitter, type) {
    return emitter.listenerCount(type);
  }
}

// Enumerable, as the package's are: PouchDB copies what it finds on the prototype to its own constructor.
Object.assign(EventEmitter.prototype, METHODS, { addListener: METHODS.on });
EventEmitter.EventEmitter = EventEmitter;
