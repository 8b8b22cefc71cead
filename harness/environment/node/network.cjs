'use strict';
// Every way out of a function's process: to AWS and to the run's endpoints it is a Line, and any other is refused.

const childProcess = require('node:child_process');
const cluster = require('node:cluster');
const dgram = require('node:dgram');
const dns = require('node:dns');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const tls = require('node:tls');
const workers = require('node:worker_threads');

const { Http2Line, Line, watchRequests } = require('./lines.cjs');
const { isAws } = require('./requests.cjs');

const ONLY_AWS = "only AWS calls and the stack's endpoints are imitated";
const ONE_PROCESS = 'a function has one process on the embedded platform; LocalStack plays it';
const PROCESS = process.pid; // the function is shown another one
const STARTS = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'];
const LOOK_UPS = /^(lookup|lookupService|resolve\w*|reverse)$/;

// endpoints: URLs. refuse gets what was tried, and why it cannot be; it does not return.
function install(exchanges, endpoints, refuse) {
  const served = new Set(endpoints.map((url) => addressOf(new URL(url))));

  const connect = (secure) => (...values) => {
    const { options, callback } = normal(values);
    const { host = 'localhost', path } = options;
    const port = Number(options.port ?? (secure ? 443 : 80));
    if (path !== undefined && options.port === undefined) return refuse(`a connection to ${path}: ${ONLY_AWS}`);
    if (!isAws(host) && !served.has(`${host}:${port}`)) return refuse(`a connection to ${host}:${port}: ${ONLY_AWS}`);
    const line = new Line(exchanges, { secure, host, port });
    if (callback) line.once(secure ? 'secureConnect' : 'connect', callback);
    if (options.timeout) line.setTimeout(options.timeout);
    return line;
  };
  net.connect = net.createConnection = http.Agent.prototype.createConnection = connect(false);
  tls.connect = connect(true);
  net.Socket.prototype.connect = (...values) => connect(false)(...values);
  http2.connect = (authority, options, callback) => {
    const url = new URL(authority);
    if (!isAws(url.hostname) && !served.has(addressOf(url))) refuse(`a connection to ${url.host}: ${ONLY_AWS}`);
    const line = new Http2Line(exchanges, url.origin);
    const listener = typeof options === 'function' ? options : callback;
    if (listener) line.once('connect', listener);
    return line;
  };
  watchRequests();
  refuseOthers(refuse);
}

function refuseOthers(refuse) {
  const never = (what) => (first) => refuse(typeof what === 'string' ? what : what(first));
  net.Server.prototype.listen = never(`a server: ${ONLY_AWS}`);
  for (const name of ['bind', 'connect', 'send']) dgram.Socket.prototype[name] = never(`a datagram: ${ONLY_AWS}`);
  for (const owner of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
    for (const name of Object.getOwnPropertyNames(owner).filter((each) => LOOK_UPS.test(each))) {
      owner[name] = never((host) => `a look-up of ${host}: ${ONLY_AWS}`);
    }
  }
  for (const name of STARTS) childProcess[name] = never((file) => `another process, ${file}: ${ONE_PROCESS}`);
  cluster.fork = never(`another process: ${ONE_PROCESS}`);
  workers.Worker = class Worker {
    constructor() {
      refuse(`another thread: ${ONE_PROCESS}`);
    }
  };
  const { kill } = process;
  process.kill = (target, signal) => {
    if (target !== process.pid) refuse(`a signal to the process ${target}: ${ONE_PROCESS}`);
    return kill.call(process, PROCESS, signal);
  };
}

function addressOf(url) {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
}

// As net.connect takes them: (options[, callback]), (path[, callback]) or (port[, host][, options][, callback]).
function normal(values) {
  const callback = values.find((value) => typeof value === 'function');
  const given = values.filter((value) => typeof value !== 'function' && value !== undefined && value !== null);
  const [first, second] = given.length === 1 && Array.isArray(given[0]) ? given[0] : given;
  if (typeof first === 'object') return { options: first, callback };
  const more = given.find((value) => typeof value === 'object') ?? {};
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { options: { ...more, path: first }, callback };
  return { options: { ...more, port: first, ...(typeof second === 'string' ? { host: second } : {}) }, callback };
}

module.exports = { install };
