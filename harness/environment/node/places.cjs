'use strict';
// Where in the user's own files something happened, as in `index.mjs:3`.

const { isAbsolute, relative, sep } = require('node:path');
const { fileURLToPath } = require('node:url');

const FRAME = /\(?((?:file:\/\/)?\/[^()]*?):(\d+)(?::\d+)?\)?$/;
const MAX_FRAMES = 60;

let roots = [];

function setRoots(folders) {
  roots = folders;
}

// The innermost line of an error's stack that is in the user's files; "" where there is none.
function placeOf(error) {
  let lines = [];
  try {
    lines = String(error?.stack ?? '').split('\n');
  } catch {
    return ''; // the error is the user's, and so is its stack
  }
  for (const line of lines) {
    const frame = FRAME.exec(line.trim());
    const place = frame && own(frame[1]);
    if (place) return `${place}:${frame[2]}`;
  }
  return '';
}

function own(file) {
  const path = file.startsWith('file://') ? fileURLToPath(file) : file;
  for (const root of roots) {
    const place = relative(root, path);
    if (place && !place.startsWith('..') && !isAbsolute(place)) {
      return place.split(sep).includes('node_modules') ? '' : place;
    }
  }
  return '';
}

// An error whose stack reaches far enough back to show the user's line, made where this is called.
function here() {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = MAX_FRAMES;
  const error = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

module.exports = { here, placeOf, setRoots };
