import { processIo } from "./io";
import { run } from "./program";

// A reader that has seen enough (`estate list | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

void run(process.argv.slice(2), processIo()).then((code) => {
  // Ends now, also when a server that timed out still holds a socket; the empty write waits until all output is out.
  process.stdout.write("", () => process.exit(code));
});
