'use strict';
// Has ES modules find what Lambda's runtime and layers bring, as NODE_PATH has others find it.

const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const BARE = /^[^./#][^:]*$/;
const NOT_FOUND = 'ERR_MODULE_NOT_FOUND';

// folders: of packages, each a node_modules.
function provide(folders) {
  if (folders.length === 0) return;
  const parents = folders.map((folder) => pathToFileURL(path.join(path.dirname(folder), 'index.js')).href);
  // again tries to resolve it from another parent.
  const resolve = (specifier, error, again) => {
    if (error.code !== NOT_FOUND || !BARE.test(specifier)) throw error;
    for (const parent of parents) {
      try {
        return again(parent);
      } catch (other) {
        if (other.code !== NOT_FOUND) throw other;
      }
    }
    throw error;
  };
  if (Module.registerHooks) {
    Module.registerHooks({
      resolve(specifier, context, next) {
        try {
          return next(specifier, context);
        } catch (error) {
          return resolve(specifier, error, (parentURL) => next(specifier, { ...context, parentURL }));
        }
      },
    });
    return;
  }
  // Older versions have no such hooks but those that run in another thread, which costs more than a cold start.
  const loader = require('internal/modules/esm/loader').getOrInitializeCascadedLoader();
  const { resolve: original } = loader;
  loader.resolve = (specifier, parentURL, attributes) => {
    try {
      return original.call(loader, specifier, parentURL, attributes);
    } catch (error) {
      return resolve(specifier, error, (parent) => original.call(loader, specifier, parent, attributes));
    }
  };
}

module.exports = { provide };
