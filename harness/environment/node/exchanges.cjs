'use strict';
// The exchanges of a process with its run: requests that it has not heard of yet, and those whose reply is under way.

const { described } = require('./requests.cjs');
const { placeOf } = require('./places.cjs');

const ERRORS = {
  ConnectionClosedError: ['ECONNRESET', 'read ECONNRESET', 'read'],
  ConnectTimeoutError: ['ETIMEDOUT', 'connect ETIMEDOUT', 'connect'],
  ReadTimeoutError: ['ETIMEDOUT', 'read ETIMEDOUT', 'read'],
};
const REPLACED = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

class Exchanges {
  #asks = [];
  #underWay = new Map(); // by the ask's number
  #givenUp = [];
  #numbers = 0;

  get pending() {
    return this.#underWay.size > 0;
  }

  // request: as in requests.cjs. timeouts: {connect, read} in seconds or null. origin: an Error made where the request
  // was. answered gets (error) or (null, reply): {status, headers: [name, value][], body}. Returns the ask's number.
  begin(request, timeouts, origin, answered) {
    this.#numbers += 1;
    const number = this.#numbers;
    const { service, operation, headers, body } = described(request);
    const { method, url } = request;
    this.#asks.push([
      ...[number, service, operation, method, url, headers, body.toString('latin1')],
      ...[timeouts.connect, timeouts.read],
    ]);
    this.#underWay.set(number, { answered, origin });
    return number;
  }

  // Its client does not wait any more.
  giveUp(number) {
    if (!this.#underWay.delete(number)) return;
    const unsent = this.#asks.findIndex(([each]) => each === number);
    if (unsent < 0) this.#givenUp.push(number);
    else this.#asks.splice(unsent, 1);
  }

  // What the run has not heard of.
  take() {
    const news = { asks: this.#asks, ...(this.#givenUp.length ? { given_up: this.#givenUp } : {}) };
    this.#asks = [];
    this.#givenUp = [];
    return news;
  }

  place(number) {
    return placeOf(this.#underWay.get(number)?.origin);
  }

  // reply: as in conversation.py. Its exchange goes on.
  end([number, kind, status, headers, body]) {
    if (!this.#underWay.has(number)) return; // it was given up meanwhile
    const { answered } = this.#underWay.get(number);
    this.#underWay.delete(number);
    if (kind) {
      const [code, message, syscall] = ERRORS[kind];
      answered(Object.assign(new Error(message), { code, errno: -1, syscall }));
      return;
    }
    const shown = Object.entries(headers).filter(([name]) => !REPLACED.has(name.toLowerCase()));
    answered(null, { status, headers: shown, body: Buffer.from(body, 'latin1'), length: lengthOf(headers, body) });
  }
}

// The length that a reply tells: of a HEAD, that of what it does not have.
function lengthOf(headers, body) {
  const told = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-length');
  return body.length === 0 && told ? told[1] : String(body.length);
}

module.exports = { Exchanges };
