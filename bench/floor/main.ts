import type { Kind, Properties } from "../../provider/wire/kind";
import { serveProvider } from "../../provider/wire/server";

/** Does nothing, so that what is left is the engine's own time. */
const empty: Kind<undefined, Properties> = {
  token: "empty:index:Empty",
  check: (news) => ({ inputs: news, failures: [] }),
  create: async (_call, inputs) => ({ id: String(inputs.label), state: inputs }),
  read: async (_call, id, old) => old && { id, ...old },
  update: async (_call, _id, _old, news) => news,
  delete: async () => undefined,
};

serveProvider({ name: "empty", version: "0.0.1", kinds: [empty], configure: () => undefined });
