// Perfetto's trace processor (WebAssembly, made for a browser's worker), run in Node.
//
// node engine.js FOLDER: FOLDER holds engine_bundle.js and the .wasm files of Perfetto's site. A
// TraceProcessorRpcStream is read from stdin; the replies, one such stream, go to stdout.
// Called by: read_trace.py. The worker's world is a context of its own, without `process`, since
// the engine refuses to start where it sees Node.

"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const folder = process.argv[2];

class XMLHttpRequest {
  open(_method, address) {
    this.file = path.join(folder, path.basename(address));
  }

  send() {
    const bytes = fs.readFileSync(this.file);
    this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  }
}

const log = (...words) => console.error(...words);
const world = vm.createContext({
  console: { log, warn: log, error: log },
  TextDecoder,
  TextEncoder,
  URL,
  XMLHttpRequest,
  crypto: globalThis.crypto,
  location: { href: "http://localhost/engine_bundle.js" },
  performance,
  setTimeout,
  clearTimeout,
  WorkerGlobalScope: class {},
});
world.self = world;

const file = path.join(folder, "engine_bundle.js");
vm.runInContext(fs.readFileSync(file, "utf8"), world, { filename: file });
const asBytes = vm.runInContext("(buffer) => new Uint8Array(buffer)", world);

const port = { postMessage: (reply) => fs.writeSync(1, reply) };
world.onmessage({ data: port });
// The engine is up once the promises of its start have been kept, which they are before this runs.
setImmediate(() => port.onmessage({ data: asBytes(fs.readFileSync(0)) }));
