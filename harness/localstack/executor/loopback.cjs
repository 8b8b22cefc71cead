// Loaded by node before Kinesis Mock, which listens on every interface and has no option for it.
"use strict";

const net = require("net");
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (where, ...rest) {
  if (where !== null && typeof where === "object") {
    return listen.call(this, { ...where, host: "127.0.0.1" }, ...rest);
  }
  const callback = rest.filter((each) => typeof each === "function");
  return listen.call(this, { port: where, host: "127.0.0.1" }, ...callback);
};
