import { endWithResult } from "./exit";
import { processIo } from "./io";
import { run } from "./program";
import { outliveReaders } from "./readers";

outliveReaders([process.stdout, process.stderr]);

void endWithResult("estate", run(process.argv.slice(2), processIo())).then(() => {
  // Ends now, also when a server that timed out still holds a socket; the empty write waits until all output is out.
  process.stdout.write("", () => process.exit());
});
