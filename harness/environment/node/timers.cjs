'use strict';
// Timers in the run's time. What is due is called from the real event loop, one callback after another, so that Node
// does with each what it always does: microtasks after it, and an exception is an uncaught one.

const { AsyncResource } = require('node:async_hooks');
const timers = require('node:timers');
const timersPromises = require('node:timers/promises');
const { promisify } = require('node:util');

const realImmediate = setImmediate;
const MAX_MILLISECONDS = 2 ** 31 - 1;

// Whether the process goes on for it.
class Referenced {
  #referenced = true;

  ref() {
    this.#referenced = true;
    return this;
  }

  unref() {
    this.#referenced = false;
    return this;
  }

  hasRef() {
    return this.#referenced;
  }
}

class Timeout extends Referenced {
  #timers;
  #milliseconds;

  constructor(owner, callback, values, milliseconds, repeats) {
    super();
    this.#timers = owner;
    this.#milliseconds = milliseconds >= 1 && milliseconds <= MAX_MILLISECONDS ? Math.trunc(milliseconds) : 1;
    this.number = owner.next();
    this.repeats = repeats;
    this.resource = new AsyncResource('Timeout');
    this.call = () => this.resource.runInAsyncScope(callback, this, ...values);
    this.refresh();
  }

  refresh() {
    this.due = this.#timers.clock.now + this.#milliseconds * 1000;
    this.#timers.active.add(this);
    return this;
  }

  close() {
    this.#timers.active.delete(this);
    return this;
  }

  [Symbol.toPrimitive]() {
    this.#timers.byNumber.set(this.number, this);
    return this.number;
  }

  [Symbol.dispose ?? Symbol('dispose')]() {
    this.close();
  }
}

class Immediate extends Referenced {
  constructor(callback, values) {
    super();
    const resource = new AsyncResource('Immediate');
    this.call = () => resource.runInAsyncScope(callback, this, ...values);
    this.cleared = false;
  }

  [Symbol.dispose ?? Symbol('dispose')]() {
    this.cleared = true;
  }
}

class Timers {
  active = new Set();
  byNumber = new Map();
  #immediates = [];
  #numbers = 0;

  constructor(clock) {
    this.clock = clock;
  }

  next() {
    this.#numbers += 1;
    return this.#numbers;
  }

  // When the first timer is due, in microseconds; null where there is none.
  get earliest() {
    let earliest = null;
    for (const { due } of this.active) if (earliest === null || due < earliest) earliest = due;
    return earliest;
  }

  // Whether something will be called, unless the process ends before.
  get pending() {
    for (const timer of this.active) if (timer.hasRef()) return true;
    return this.#immediates.length > 0;
  }

  // Has all that is due called by the event loop. Returns whether there was anything.
  release() {
    const due = [...this.active].filter((timer) => timer.due <= this.clock.now);
    due.sort((one, other) => one.due - other.due || one.number - other.number);
    for (const timer of due) realImmediate(() => this.#fire(timer));
    const immediates = this.#immediates;
    this.#immediates = [];
    for (const immediate of immediates) realImmediate(() => immediate.cleared || immediate.call());
    return due.length + immediates.length > 0;
  }

  #fire(timer) {
    if (!this.active.has(timer) || timer.due > this.clock.now) return; // it was cleared, or refreshed, meanwhile
    if (timer.repeats) timer.refresh();
    else this.active.delete(timer);
    timer.call();
  }

  install() {
    const start = (repeats) => (callback, milliseconds, ...values) => {
      check(callback);
      return new Timeout(this, callback, values, Number(milliseconds), repeats);
    };
    const clear = (timer) => {
      const found = typeof timer === 'object' ? timer : this.byNumber.get(Number(timer));
      if (found instanceof Timeout) found.close();
    };
    const functions = {
      setTimeout: start(false),
      setInterval: start(true),
      clearTimeout: clear,
      clearInterval: clear,
      setImmediate: (callback, ...values) => {
        check(callback);
        const immediate = new Immediate(callback, values);
        this.#immediates.push(immediate);
        return immediate;
      },
      clearImmediate: (immediate) => {
        if (immediate instanceof Immediate) immediate.cleared = true;
      },
    };
    Object.assign(globalThis, functions);
    Object.assign(timers, functions);
    this.#installPromises(functions);
    AbortSignal.timeout = (milliseconds) => {
      const controller = new AbortController();
      const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
      functions.setTimeout(() => controller.abort(reason()), milliseconds).unref();
      return controller.signal;
    };
    const { wait } = Atomics;
    Atomics.wait = (view, index, value, milliseconds = Infinity) => {
      if (Atomics.load(view, index) !== value || !(milliseconds > 0)) return wait(view, index, value, 0);
      this.sleep(milliseconds); // no other thread can notify this one
      return 'timed-out';
    };
  }

  #installPromises({ setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate }) {
    const later = (begin, end) => (value, { signal, ref = true } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(aborted(signal));
        const timer = begin(() => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        });
        const abort = () => {
          end(timer);
          reject(aborted(signal));
        };
        if (!ref) timer.unref();
        signal?.addEventListener('abort', abort, { once: true });
        return undefined;
      });
    const timeout = (milliseconds, value, options) =>
      later((callback) => setTimeout(callback, milliseconds), clearTimeout)(value, options);
    const immediate = later(setImmediate, clearImmediate);
    async function* interval(milliseconds, value, { signal, ref = true } = {}) {
      let ticks = 0;
      let waiting = null;
      const tick = () => {
        ticks += 1;
        waiting?.();
      };
      const timer = setInterval(tick, milliseconds);
      if (!ref) timer.unref();
      signal?.addEventListener('abort', () => waiting?.(), { once: true });
      try {
        for (;;) {
          if (signal?.aborted) throw aborted(signal);
          if (ticks === 0) await new Promise((resolve) => (waiting = resolve));
          for (; ticks > 0; ticks -= 1) yield value;
        }
      } finally {
        clearInterval(timer);
      }
    }
    Object.assign(timersPromises, { setTimeout: timeout, setImmediate: immediate, setInterval: interval });
    const scheduler = Object.getPrototypeOf(timersPromises.scheduler);
    scheduler.wait = (milliseconds, options) => timeout(milliseconds, undefined, options);
    scheduler.yield = () => immediate();
    setTimeout[promisify.custom] = timeout;
    setImmediate[promisify.custom] = immediate;
  }
}

function check(callback) {
  if (typeof callback === 'function') return;
  const error = new TypeError(`The "callback" argument must be of type function. Received ${String(callback)}`);
  error.code = 'ERR_INVALID_ARG_TYPE';
  throw error;
}

function aborted(signal) {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

module.exports = { Timers, realImmediate };
