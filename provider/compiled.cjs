// Runs a bundle with what V8 made of it before, which takes half the time: node provider/compiled.cjs BUNDLE ARGUMENTS...
// The first run that comes to its end keeps that beside the bundle.
const { fstatSync, openSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { dirname } = require("node:path");
const { Script } = require("node:vm");

const [bundle] = process.argv.splice(2, 1);
const file = openSync(bundle);
// V8 takes what belongs to any source of the same length: the name tells of which one it is.
const compiled = `${bundle}.${fstatSync(file, { bigint: true }).mtimeNs}.compiled`;
// What esbuild writes is ASCII.
const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(file, "latin1")}\n})`;
const script = new Script(source, { filename: bundle, cachedData: before() });

if (script.cachedDataRejected !== false) process.on("exit", keep);
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, createRequire(bundle), module_, bundle, dirname(bundle));

function before() {
  try {
    return readFileSync(compiled);
  } catch {
    return undefined;
  }
}

function keep() {
  const own = `${compiled}.${process.pid}`;
  try {
    writeFileSync(own, script.createCachedData());
    renameSync(own, compiled);
  } catch {
    // Where nothing can be written, each run compiles.
  }
}
