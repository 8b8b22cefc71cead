'use strict';
// The program of a function's process in Node, in lockstep with its run: see conversation.py, and program.py for Python.
//
// Node emits `beforeExit` when its event loop has nothing else to do: no microtask, no file that is read, nothing that is
// compressed. This is the moment at which the run goes on; what it replies is then work for the event loop. Where the
// work of threads ends in the order in which it began (UV_THREADPOOL_SIZE is 1), the same seed gives the same order.

const { AsyncResource } = require('node:async_hooks');
const { syncBuiltinESMExports } = require('node:module');

const { Chance } = require('./chance.cjs');
const { Clock } = require('./clock.cjs');
const { Conversation } = require('./conversation.cjs');
const { Exchanges } = require('./exchanges.cjs');
const { provide } = require('./modules.cjs');
const network = require('./network.cjs');
const { here, placeOf, setRoots } = require('./places.cjs');
const { LambdaError, contextOf, failure, installConsole, load } = require('./runtime.cjs');
const { Timers, realImmediate } = require('./timers.cjs');

const SETTINGS = 'HARNESS_ENVIRONMENT';
const LAMBDAS_PROCESS = 8;
const UNSETTLED = 13; // the exit status of a Node whose top-level await never ends

class Program {
  #settings;
  #conversation;
  #clock = new Clock();
  #chance = new Chance();
  #timers = new Timers(this.#clock);
  #exchanges = new Exchanges();
  #outside = new AsyncResource('harness');
  #order = null; // that is carried out
  #handler = null;
  #whenEmpty = null; // what a handler has answered that waits for an empty event loop
  #exit = process.reallyExit.bind(process);

  // settings: {descriptor, handler, folders, sources, endpoints}
  constructor(settings) {
    this.#settings = settings;
    this.#conversation = new Conversation(settings.descriptor);
  }

  serve() {
    setRoots(this.#settings.sources);
    process.setSourceMapsEnabled(true);
    this.#clock.install();
    this.#chance.install();
    this.#timers.install();
    this.#timers.sleep = (milliseconds) => this.#sleep(milliseconds);
    installConsole(this.#clock, () => this.#order?.context?.aws_request_id);
    network.install(this.#exchanges, this.#settings.endpoints, (what) => this.#refuse(what));
    syncBuiltinESMExports();
    provide(this.#settings.folders.slice(1));
    this.#watch();
    this.#conversation.send({ begun: process.pid });
    this.#next();
  }

  #watch() {
    const { emit } = process;
    process.emit = (name, ...values) => {
      if (name === 'beforeExit') this.#idle();
      return emit.call(process, name, ...values);
    };
    process.on('uncaughtException', (error) => this.#end({ failed: failure(error), last: true }));
    process.on('unhandledRejection', (reason) => {
      const error = new LambdaError('Runtime.UnhandledPromiseRejection', String(reason), reason);
      this.#end({ failed: failure(error), last: true });
    });
  }

  // The event loop has nothing else to do.
  #idle() {
    if (this.#timers.release()) return;
    if (this.#exchanges.pending || this.#timers.pending) {
      this.#say({ wake: this.#timers.earliest });
      this.#heard();
    } else if (this.#whenEmpty !== null) {
      this.#end(this.#whenEmpty);
    } else if (this.#order.order === 'import') {
      this.#end({ exits: `exit status ${UNSETTLED}` });
    } else {
      this.#end({ answer: 'null' });
    }
  }

  // Ends the order, and begins the next one: until then nothing in this process goes on, as in a frozen environment.
  #end(end) {
    this.#say({ end });
    this.#next();
  }

  #next() {
    const order = this.#heard();
    this.#order = order;
    this.#whenEmpty = null;
    this.#chance.begin(order.chance);
    this.#timers.release();
    this.#later(() => (order.order === 'import' ? this.#import() : this.#invoke(order)));
  }

  #import() {
    load(this.#settings.folders[0], this.#settings.handler).then(
      (handler) => {
        this.#handler = handler;
        this.#end({ imported: true });
      },
      (error) => this.#end({ failed: failure(error), last: true }),
    );
  }

  #invoke(order) {
    const wait = { forEmptyLoop: true };
    const once = (end) => (value) => {
      if (this.#order === order) end(value);
    };
    const fail = once((error) => this.#end({ failed: failure(error) }));
    const answer = (waits) =>
      once((value) => {
        const end = answered(value);
        if (waits && wait.forEmptyLoop && !end.failed) this.#whenEmpty = end;
        else this.#end(end);
      });
    const either = (waits) => (error, value) => {
      if (error === undefined || error === null) answer(waits)(value);
      else fail(error);
    };
    const ends = { done: either(false), succeed: answer(false), fail: (error) => fail(error ?? 'handled') };
    try {
      const result = this.#handler(order.event, contextOf(order.context, this.#clock, ends, wait), either(true));
      if (result && typeof result.then === 'function') result.then(answer(false), fail);
    } catch (error) {
      fail(error);
    }
  }

  #say(message) {
    this.#conversation.send({ ...this.#exchanges.take(), ...message });
  }

  // The run's next message. Its replies become work for the event loop.
  #heard() {
    for (;;) {
      const message = this.#conversation.receive();
      if (message === null) this.#exit(0); // the run is over
      if (message.where !== undefined) {
        this.#conversation.send({ place: this.#exchanges.place(message.where) });
        continue;
      }
      this.#clock.now = message.now;
      for (const reply of message.replies) this.#later(() => this.#exchanges.end(reply));
      this.#later(() => {}); // keeps the event loop alive
      return message;
    }
  }

  // Blocks, as Atomics.wait does.
  #sleep(milliseconds) {
    const end = this.#clock.now + Math.max(1, Math.round(milliseconds * 1000));
    while (this.#clock.now < end) {
      this.#say({ wake: end });
      this.#heard();
    }
  }

  #later(body) {
    this.#outside.runInAsyncScope(realImmediate, null, body);
  }

  // Ends the run with a sentence: this process does not go on.
  #refuse(what) {
    this.#conversation.send({ refused: what, place: placeOf(here()) });
    this.#heard();
    this.#exit(0);
  }
}

function answered(value) {
  try {
    return { answer: JSON.stringify(value === undefined ? null : value) ?? 'null' };
  } catch {
    return { failed: failure(new Error('Unable to stringify response body')) };
  }
}

const settings = JSON.parse(process.env[SETTINGS]);
delete process.env[SETTINGS];
process.execArgv = [];
process.argv[1] = '/var/runtime/index.mjs';
Object.defineProperty(process, 'pid', { value: LAMBDAS_PROCESS, enumerable: true });
new Program(settings).serve();
