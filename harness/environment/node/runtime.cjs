'use strict';
// What Lambda's Node runtime does for a handler: it finds it, gives it a context, and tells its answers and errors.
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html and nodejs-context.html.

const { existsSync, readFileSync, writeSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { format, types } = require('node:util');

const { placeOf } = require('./places.cjs');

const HANDLER = /^([^.]*)\.(.+)$/;
const SUFFIXES = ['', '.js', '.mjs', '.cjs'];
const MAX_MESSAGE = 10_000; // characters
const STDOUT = 1;
const LEVELS = { log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', debug: 'DEBUG', trace: 'TRACE' };

class LambdaError extends Error {
  constructor(kind, message, cause = undefined) {
    super(message);
    this.name = kind;
    if (cause) this.stack = `${kind}: ${cause.stack ?? cause}`;
  }
}

// The handler of `folder/module.function`. Rejects with what the user's module throws, and with a LambdaError.
async function load(root, text) {
  const parts = HANDLER.exec(path.basename(text));
  if (!parts || text.includes('..')) throw new LambdaError('Runtime.MalformedHandlerName', 'Bad handler');
  const [, name, place] = parts;
  const base = path.resolve(root, path.dirname(text), name);
  let module;
  try {
    module = await imported(base, root);
  } catch (error) {
    const codes = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];
    if (codes.includes(error?.code)) {
      const [message] = error.message.split('\n'); // what comes after it are this machine's files
      throw new LambdaError('Runtime.ImportModuleError', `Error: ${message}`, error);
    }
    if (error instanceof SyntaxError) throw new LambdaError('Runtime.UserCodeSyntaxError', String(error), error);
    throw error;
  }
  const found = place.split('.').reduce((value, part) => value?.[part], module);
  if (found === undefined) throw new LambdaError('Runtime.HandlerNotFound', `${text} is undefined or not exported`);
  if (typeof found !== 'function') throw new LambdaError('Runtime.HandlerNotFound', `${text} is not a function`);
  return found;
}

async function imported(base, root) {
  const file = SUFFIXES.map((suffix) => base + suffix).find((each) => existsSync(each) && path.extname(each) !== '');
  if (file === undefined) return require(require.resolve(base, { paths: [root] }));
  if (!isEsm(file)) return Module.createRequire(file)(file);
  return import(pathToFileURL(file).href);
}

function isEsm(file) {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const described = path.join(folder, 'package.json');
    if (existsSync(described)) {
      try {
        return JSON.parse(readFileSync(described, 'utf8')).type === 'module';
      } catch {
        return false; // Node says what is wrong with it
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
}

// told: {aws_request_id, function_name, …}, as in context.py. ends: {done, fail, succeed}. wait: {forEmptyLoop}.
function contextOf(told, clock, ends, wait) {
  const context = {
    functionVersion: '$LATEST',
    functionName: told.function_name,
    memoryLimitInMB: told.memory_limit_in_mb,
    logGroupName: told.log_group_name,
    logStreamName: told.log_stream_name,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: told.invoked_function_arn,
    awsRequestId: told.aws_request_id,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor((told._deadline - clock.now) / 1000)),
    ...ends,
  };
  Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop', {
    enumerable: true,
    get: () => wait.forEmptyLoop,
    set: (value) => {
      wait.forEmptyLoop = value;
    },
  });
  return context;
}

// An error as an end has it: {type, message, described, trace}.
function failure(error) {
  if (!(types.isNativeError(error) || (error && error.name && error.message && error.stack))) {
    const message = bounded(text(error));
    return { type: typeof error, message, described: `${typeof error}: ${message}`, trace: [] };
  }
  const type = text(error.name);
  const message = bounded(text(error.message));
  const place = placeOf(error);
  const lines = text(error.stack).split('\n');
  const trace = lines.filter((line) => !line.includes(__dirname));
  return { type, message, described: `${type}: ${message}${place ? ` at ${place}` : ''}`, trace };
}

function text(value) {
  try {
    return String(value);
  } catch (error) {
    return '(it has no text)';
  }
}

function bounded(message) {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`;
}

// What console writes, in Lambda's format; requestId returns that of the current invocation, or undefined.
function installConsole(clock, requestId) {
  for (const [name, level] of Object.entries(LEVELS)) {
    console[name] = (...values) => {
      const time = new Date(clock.wall()).toISOString();
      const line = `${time}\t${requestId()}\t${level}\t${format(...values)}\n`;
      for (let rest = Buffer.from(line); rest.length; ) rest = rest.subarray(writeSync(STDOUT, rest));
    };
  }
}

module.exports = { LambdaError, contextOf, failure, installConsole, load };
