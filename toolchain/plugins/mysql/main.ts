import { serveProvider } from "../../../provider/wire/server";
import { checkConfig, serverConfig } from "./config";
import { database } from "./database";
import { Server } from "./server";

/** Stand-in of @pulumi/mysql: Database. */
serveProvider<Server>({
  name: "mysql",
  version: "3.3.2",
  kinds: [database],
  secretConfig: ["password"],
  checkConfig,
  configure: (inputs) => new Server(serverConfig(inputs)),
  close: (server) => server.close(),
}).catch((error: unknown) => {
  process.stderr.write(`the plugin "mysql" cannot start: ${String(error)}\n`);
  process.exit(1);
});
