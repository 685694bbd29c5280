import { serveProvider } from "../../../provider/wire/server";
import { copyToRemote } from "./copy-to-remote";
import { localCommand } from "./local-command";
import { remoteCommand } from "./remote-command";

/** Stand-in of @pulumi/command: local.Command, remote.Command, remote.CopyToRemote. */
serveProvider({
  name: "command",
  version: "1.2.1",
  kinds: [localCommand, remoteCommand, copyToRemote],
  configure: () => undefined,
}).catch((error: unknown) => {
  process.stderr.write(`the plugin "command" cannot start: ${String(error)}\n`);
  process.exit(1);
});
