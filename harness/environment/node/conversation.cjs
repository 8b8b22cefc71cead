'use strict';
// The function's end of the conversation that conversation.py describes. It reads and writes without the event loop:
// while this process waits for its run, nothing else in it goes on.

const { readSync, writeSync } = require('node:fs');

const LENGTH_BYTES = 4;
const PIECE = 64 * 1024;
const { parse, stringify } = JSON;

class Conversation {
  #descriptor;
  #unread = Buffer.alloc(0);

  constructor(descriptor) {
    this.#descriptor = descriptor;
  }

  send(message) {
    const content = Buffer.from(stringify(message));
    const whole = Buffer.allocUnsafe(LENGTH_BYTES + content.length);
    whole.writeUInt32BE(content.length, 0);
    content.copy(whole, LENGTH_BYTES);
    for (let sent = 0; sent < whole.length; ) sent += writeSync(this.#descriptor, whole, sent);
  }

  // The next message; null when the run is over.
  receive() {
    const length = this.#exactly(LENGTH_BYTES);
    const content = length && this.#exactly(length.readUInt32BE(0));
    return content && parse(content.toString());
  }

  #exactly(size) {
    const pieces = [this.#unread];
    let read = this.#unread.length;
    while (read < size) {
      const piece = Buffer.allocUnsafe(Math.max(PIECE, Math.min(size - read, 1 << 20)));
      const count = this.#read(piece);
      if (count === 0) return null;
      pieces.push(piece.subarray(0, count));
      read += count;
    }
    const whole = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    this.#unread = whole.subarray(size);
    return whole.subarray(0, size);
  }

  #read(piece) {
    try {
      return readSync(this.#descriptor, piece, 0, piece.length, null);
    } catch (error) {
      if (error.code === 'ECONNRESET') return 0;
      throw error;
    }
  }
}

module.exports = { Conversation };
