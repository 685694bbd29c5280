import { serveProvider } from "../../../provider/wire/server";
import { randomPassword } from "./random-password";

/** Stand-in of @pulumi/random: RandomPassword. */
serveProvider({
  name: "random",
  version: "4.21.2",
  kinds: [randomPassword],
  configure: () => undefined,
}).catch((error: unknown) => {
  process.stderr.write(`the plugin "random" cannot start: ${String(error)}\n`);
  process.exit(1);
});
