import { serveProvider } from "../../../provider/wire/server";
import { Account } from "./account";
import { checkConfig, githubConfig } from "./config";
import { actionsEnvironmentSecret, actionsSecret } from "./secret";

/** Stand-in of @pulumi/github: ActionsSecret, ActionsEnvironmentSecret. */
serveProvider<Account>({
  name: "github",
  version: "6.15.0",
  kinds: [actionsSecret, actionsEnvironmentSecret],
  secretConfig: ["token"],
  checkConfig,
  configure: (inputs) => new Account(githubConfig(inputs)),
  connect: (account) => account.connect(),
}).catch((error: unknown) => {
  process.stderr.write(`the plugin "github" cannot start: ${String(error)}\n`);
  process.exit(1);
});
