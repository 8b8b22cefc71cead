'use strict';
// The clocks of a function's process show its run's time. No two readings are equal, as on Lambda: a reading is a
// microsecond later than the one before, if time stands still.

const { performance, Performance } = require('node:perf_hooks');

const EPOCH_MILLISECONDS = Date.UTC(2030, 0, 1); // as in determinism.py

class Clock {
  now = 0; // in microseconds since the run began, as the run has said
  #last = -1; // reading

  read() {
    this.#last = Math.max(this.now, this.#last + 1);
    return this.#last;
  }

  wall() {
    return EPOCH_MILLISECONDS + Math.floor(this.read() / 1000);
  }

  install() {
    const clock = this;
    const RealDate = Date;
    const milliseconds = () => clock.read() / 1000;

    function VirtualDate(...parts) {
      if (new.target === undefined) return new RealDate(clock.wall()).toString();
      return Reflect.construct(RealDate, parts.length ? parts : [clock.wall()], new.target);
    }
    Object.defineProperty(VirtualDate, 'name', { value: 'Date' });
    Object.defineProperty(VirtualDate, 'length', { value: RealDate.length });
    VirtualDate.prototype = RealDate.prototype;
    RealDate.prototype.constructor = VirtualDate;
    VirtualDate.UTC = RealDate.UTC;
    VirtualDate.parse = RealDate.parse;
    VirtualDate.now = () => clock.wall();
    globalThis.Date = VirtualDate;

    for (const name of ['format', 'formatToParts']) installFormat(name, clock);
    Object.defineProperty(Performance.prototype, 'now', { value: milliseconds, configurable: true, writable: true });
    Object.defineProperty(performance, 'timeOrigin', { value: EPOCH_MILLISECONDS, configurable: true });
    const { mark, measure } = performance;
    performance.mark = (name, options) => mark.call(performance, name, { startTime: milliseconds(), ...options });
    performance.measure = (name, start, end) => {
      const options = typeof start === 'object' && start ? start : { start, end };
      const until = options.duration === undefined || options.start === undefined ? { end: milliseconds() } : {};
      const given = Object.entries(options).filter(([, value]) => value !== undefined);
      return measure.call(performance, name, { start: 0, ...until, ...Object.fromEntries(given) });
    };

    const hrtime = (earlier) => {
      const micros = clock.read();
      let seconds = Math.floor(micros / 1e6);
      let nanos = (micros % 1e6) * 1000;
      if (earlier) {
        seconds -= earlier[0];
        nanos -= earlier[1];
        if (nanos < 0) {
          seconds -= 1;
          nanos += 1e9;
        }
      }
      return [seconds, nanos];
    };
    hrtime.bigint = () => BigInt(clock.read()) * 1000n;
    process.hrtime = hrtime;
    process.uptime = () => clock.read() / 1e6;
  }
}

// Without a date, Intl shows the time that it is.
function installFormat(name, clock) {
  const prototype = Intl.DateTimeFormat.prototype;
  const { get, value } = Object.getOwnPropertyDescriptor(prototype, name);
  if (value) {
    prototype[name] = function (date) {
      return value.call(this, date === undefined ? clock.wall() : date);
    };
    return;
  }
  Object.defineProperty(prototype, name, {
    configurable: true,
    get() {
      const format = get.call(this);
      return (date) => format(date === undefined ? clock.wall() : date);
    },
  });
}

module.exports = { Clock };
