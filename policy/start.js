// The engine runs a pack with Node alone, and @pulumi/pulumi would compile TypeScript with a compiler of its own age:
// what is registered last takes the files as the program's own are taken.
require("../toolchain/start.cjs");
require("./index.ts");
