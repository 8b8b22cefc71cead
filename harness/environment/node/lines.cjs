'use strict';
// Connections to AWS, and to the endpoints that the run serves. A Line stands for a socket, plain or with TLS: it
// collects what an HTTP client writes, has the run carry the request out, and lets the client read the reply.

const { channel } = require('node:diagnostics_channel');
const { STATUS_CODES } = require('node:http');
const net = require('node:net');
const { Duplex } = require('node:stream');
const { EventEmitter } = require('node:events');

const { here } = require('./places.cjs');
const { withoutChunks } = require('./requests.cjs');

const HEAD_END = '\r\n\r\n';
const NOTHING = Buffer.alloc(0);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

const origins = new WeakMap(); // requests of http and of undici: where they were made
const bySocket = new WeakMap(); // what undici sends on a Line

// Keeps where each request was made, for what is said of it.
function watchRequests() {
  channel('http.client.request.start').subscribe(({ request }) => origins.set(request, here()));
  channel('undici:request:create').subscribe(({ request }) => origins.set(request, here()));
  channel('undici:client:sendHeaders').subscribe(({ request, socket }) => bySocket.set(socket, request));
}

class Line extends net.Socket {
  #exchanges;
  #origin;
  #made = here();
  #written = NOTHING;
  #continued = false;
  #idle = null;
  #under = 0; // the ask that it waits for

  // address: {secure, host, port}
  constructor(exchanges, address) {
    super();
    this.#exchanges = exchanges;
    const standard = address.secure ? 443 : 80;
    const port = address.port === standard ? '' : `:${address.port}`;
    this.#origin = `${address.secure ? 'https' : 'http'}://${address.host}${port}`;
    this.connecting = true;
    if (address.secure) Object.assign(this, { encrypted: true, authorized: true, alpnProtocol: false });
    process.nextTick(() => {
      this.connecting = false;
      if (this.destroyed) return;
      this.emit('connect');
      this.emit('ready');
      if (address.secure) this.emit('secureConnect');
    });
  }

  get pending() {
    return this.connecting;
  }

  _read() {}

  _write(piece, encoding, done) {
    this.#written = Buffer.concat([this.#written, typeof piece === 'string' ? Buffer.from(piece, encoding) : piece]);
    this.#idle?.refresh();
    this.#take();
    done();
  }

  _writev(pieces, done) {
    const whole = pieces.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk));
    this._write(Buffer.concat(whole), '', done);
  }

  _final(done) {
    done();
  }

  _destroy(error, done) {
    this.#idle?.close();
    this.#exchanges?.giveUp(this.#under);
    this.connecting = false;
    done(error);
    process.nextTick(() => this.emit('close', Boolean(error)));
  }

  setTimeout(milliseconds, callback) {
    this.timeout = milliseconds;
    this.#idle?.close();
    this.#idle = milliseconds > 0 ? setTimeout(() => this.emit('timeout'), milliseconds).unref() : null;
    if (callback) (milliseconds > 0 ? this.once : this.removeListener).call(this, 'timeout', callback);
    return this;
  }

  setNoDelay() {
    return this;
  }

  setKeepAlive() {
    return this;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  // Of a TLS socket.
  getPeerCertificate() {
    return {};
  }

  getSession() {
    return undefined;
  }

  isSessionReused() {
    return false;
  }

  // Makes an exchange of what was written, once it is a whole request.
  #take() {
    const end = this.#written.indexOf(HEAD_END);
    if (end < 0) return;
    const head = parsedHead(this.#written.toString('latin1', 0, end));
    const rest = this.#written.subarray(end + HEAD_END.length);
    const [body, used] = bodyOf(head, rest);
    if (body === null) {
      if (head.value('expect').toLowerCase() === '100-continue' && !this.#continued) this.push(CONTINUE);
      this.#continued = true;
      return;
    }
    this.#written = rest.subarray(used);
    this.#continued = false;
    const request = { method: head.method, url: this.#origin + head.path, headers: head.headers, body };
    const timeouts = { connect: null, read: this.timeout ? this.timeout / 1000 : null };
    const maker = this._httpMessage ?? bySocket.get(this);
    const closes = head.value('connection').toLowerCase() === 'close';
    this.#under = this.#exchanges.begin(request, timeouts, origins.get(maker) ?? this.#made, (error, reply) => {
      this.#idle?.refresh();
      if (error) this.destroy(error);
      else this.#show(reply, closes);
    });
  }

  #show({ status, headers, body, length }, closes) {
    const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
    for (const [name, value] of headers) lines.push(`${name}: ${value}`);
    if (status !== 204 && status !== 304) lines.push(`Content-Length: ${length}`);
    lines.push(`Connection: ${closes ? 'close' : 'keep-alive'}`, '', '');
    this.push(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]));
    if (closes) this.push(null);
  }
}

function parsedHead(text) {
  const [first, ...rest] = text.split('\r\n');
  const [method, path] = first.split(' ');
  const headers = rest.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const value = (name) => headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? '';
  return { method, path: path.startsWith('/') ? path : new URL(path).pathname, headers, value };
}

// The body, and how many bytes of the rest it is made of; [null, 0] while it is not complete.
function bodyOf(head, rest) {
  if (head.value('transfer-encoding').includes('chunked')) {
    const length = chunkedLength(rest);
    return length < 0 ? [null, 0] : [withoutChunks(rest.subarray(0, length)), length];
  }
  const length = Number(head.value('content-length') || 0);
  return rest.length < length ? [null, 0] : [rest.subarray(0, length), length];
}

// Of a chunked body, its trailers included; -1 while its end has not come.
function chunkedLength(content) {
  for (let place = 0; ; ) {
    const end = content.indexOf('\r\n', place);
    if (end < 0) return -1;
    const size = parseInt(content.toString('latin1', place, end), 16);
    if (size > 0) {
      place = end + 2 + size + 2;
      if (place > content.length) return -1;
      continue;
    }
    if (content.toString('latin1', end + 2, end + 4) === '\r\n') return end + 4;
    const last = content.indexOf(HEAD_END, end + 2);
    return last < 0 ? -1 : last + HEAD_END.length;
  }
}

// Stands for http2.connect's session, with what the clients of AWS use of it.
class Http2Line extends EventEmitter {
  closed = false;
  destroyed = false;
  #exchanges;
  #origin;

  constructor(exchanges, origin) {
    super();
    this.#exchanges = exchanges;
    this.#origin = origin;
    process.nextTick(() => this.emit('connect', this));
  }

  request(headers) {
    const shown = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    const method = headers[':method'] ?? 'GET';
    const url = this.#origin + (headers[':path'] ?? '/');
    return new Http2Stream(this, this.#exchanges, { method, url, headers: shown });
  }

  settings(_, callback) {
    if (callback) process.nextTick(callback, null, {}, 0);
  }

  setTimeout() {}

  ref() {}

  unref() {}

  close(callback) {
    this.closed = true;
    process.nextTick(() => this.emit('close'));
    if (callback) this.once('close', callback);
  }

  destroy(error) {
    if (this.destroyed) return;
    this.destroyed = true;
    if (error) process.nextTick(() => this.emit('error', error));
    this.close();
  }
}

class Http2Stream extends Duplex {
  rstCode = 0;
  closed = false;
  aborted = false;
  #begin;
  #giveUp;
  #under = 0; // the ask that it waits for
  #pieces = [];
  #idle = null;

  constructor(session, exchanges, request) {
    super();
    this.session = session;
    const origin = here();
    this.#begin = () => {
      const timeouts = { connect: null, read: this.timeout ? this.timeout / 1000 : null };
      const whole = { ...request, body: Buffer.concat(this.#pieces) };
      this.#under = exchanges.begin(whole, timeouts, origin, (error, reply) => this.#show(error, reply));
    };
    this.#giveUp = () => exchanges.giveUp(this.#under);
  }

  _read() {}

  _write(piece, encoding, done) {
    this.#pieces.push(typeof piece === 'string' ? Buffer.from(piece, encoding) : piece);
    done();
  }

  _final(done) {
    this.#begin();
    done();
  }

  _destroy(error, done) {
    this.closed = true;
    this.#idle?.close();
    this.#giveUp();
    done(error);
  }

  setTimeout(milliseconds, callback) {
    this.timeout = milliseconds;
    this.#idle?.close();
    this.#idle = milliseconds > 0 ? setTimeout(() => this.emit('timeout'), milliseconds).unref() : null;
    if (callback) this.once('timeout', callback);
    return this;
  }

  close(code = 0) {
    this.rstCode = code;
    this.destroy();
  }

  #show(error, reply) {
    if (error) {
      this.destroy(error);
      return;
    }
    const headers = Object.fromEntries(reply.headers.map(([name, value]) => [name.toLowerCase(), value]));
    this.emit('response', { ':status': reply.status, ...headers }, 0);
    this.push(reply.body);
    this.push(null);
  }
}

module.exports = { Http2Line, Line, watchRequests };
