import { serveProvider } from "../../../provider/wire/server";
import { checkConfig, serverConfig } from "./config";
import { database } from "./database";
import { extension } from "./extension";
import { role } from "./role";
import { schema } from "./schema";
import { explain, Server } from "./server";

/** Stand-in of @pulumi/postgresql: Database, Role, Schema, Extension. */
serveProvider<Server>({
  name: "postgresql",
  version: "3.18.1",
  kinds: [database, role, schema, extension],
  secretConfig: ["password"],
  checkConfig,
  configure: (inputs) => new Server(serverConfig(inputs)),
  close: (server) => server.close(),
  explain,
}).catch((error: unknown) => {
  process.stderr.write(`the plugin "postgresql" cannot start: ${String(error)}\n`);
  process.exit(1);
});
