'use strict';
// All that is random in a function's process, from one seed at a time: Math.random, and what node:crypto and the Web
// Crypto API draw. Keys that are generated are not drawn from it.

const crypto = require('node:crypto');

const MAX_INTEGER_RANGE = 2 ** 48 - 1;

class Chance {
  #numbers = generator('0');
  #bytes = generator('0 bytes');

  begin(seed) {
    this.#numbers = generator(String(seed));
    this.#bytes = generator(`${seed} bytes`);
  }

  install() {
    const fill = (view) => this.#fill(view);
    Math.random = () => (this.#numbers() * 2 ** 21 + (this.#numbers() >>> 11)) / 2 ** 53;

    const randomBytes = (size, callback) => answer(Buffer.from(fill(Buffer.alloc(size))), callback);
    const randomFillSync = (view, offset = 0, size = undefined) => {
      fillPart(fill, view, offset, size);
      return view;
    };
    const randomFill = (view, ...more) => {
      const callback = more.pop();
      answer(randomFillSync(view, ...more), callback);
    };
    const randomInt = (low, high, callback) => {
      if (high === undefined || typeof high === 'function') [low, high, callback] = [0, low, high];
      if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) throw new TypeError('a range of safe integers');
      if (high <= low || high - low > MAX_INTEGER_RANGE) throw new RangeError(`no range: ${low} to ${high}`);
      return answer(low + Math.floor(Number(fill(new BigUint64Array(1))[0] >> 11n) / 2 ** 53 * (high - low)), callback);
    };
    const randomUUID = () => uuid(fill(Buffer.alloc(16)));
    const same = { randomBytes, rng: randomBytes, pseudoRandomBytes: randomBytes, prng: randomBytes };
    Object.entries({ ...same, randomFillSync, randomFill, randomInt, randomUUID }).forEach(([name, value]) => {
      Object.defineProperty(crypto, name, { value, configurable: true, writable: true, enumerable: true });
    });

    const web = Object.getPrototypeOf(crypto.webcrypto);
    const { getRandomValues } = web;
    web.getRandomValues = function (view) {
      getRandomValues.call(crypto.webcrypto, view); // it refuses what is no array of integers, or too long
      fillPart(fill, view, 0, undefined);
      return view;
    };
    web.randomUUID = randomUUID;
  }

  #fill(view) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let index = 0; index < bytes.length; index += 4) {
      const drawn = this.#bytes();
      for (let part = 0; part < 4 && index + part < bytes.length; part += 1) bytes[index + part] = drawn >>> (8 * part);
    }
    return view;
  }
}

function answer(value, callback) {
  if (!callback) return value;
  process.nextTick(callback, null, value);
  return undefined;
}

// offset and size count elements, as they do in node:crypto.
function fillPart(fill, view, offset, size) {
  const whole = view instanceof ArrayBuffer || view instanceof SharedArrayBuffer ? new Uint8Array(view) : view;
  const width = whole.BYTES_PER_ELEMENT ?? 1;
  const length = size === undefined ? whole.byteLength - offset * width : size * width;
  fill(new Uint8Array(whole.buffer, whole.byteOffset + offset * width, length));
}

function uuid(bytes) {
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // the variant of RFC 4122
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

// Small Fast Counter 32 (Doty-Humphrey): numbers from 0 to 2 ** 32 - 1. Its seed is a hash of the text.
function generator(text) {
  const hash = crypto.createHash('sha256').update(text).digest();
  let [a, b, c, counter] = [0, 4, 8, 12].map((place) => hash.readUInt32LE(place));
  return () => {
    const drawn = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + drawn | 0;
    return drawn >>> 0;
  };
}

module.exports = { Chance };
