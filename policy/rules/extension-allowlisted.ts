import { POSTGRES_DATABASE } from "../kinds";
import { show, texts } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  allowed: string[];
}

export const extensionAllowlisted = resourceRule<Config>({
  name: "extension-allowlisted",
  description: "Extensions run inside the server: only those that were looked at are created.",
  severity: "high",
  remediationSteps: "Leave the extension out, or have it reviewed and add it to `allowed` of this rule.",
  config: {
    allowed: textList("Extensions that were looked at", [
      "btree_gin",
      "btree_gist",
      "citext",
      "hstore",
      "pg_stat_statements",
      "pg_trgm",
      "pgcrypto",
      "unaccent",
      "uuid-ossp",
    ]),
  },
  types: [POSTGRES_DATABASE],
  *faults({ props }, { allowed }) {
    for (const name of texts(props.extensions)) {
      if (allowed.includes(name)) continue;
      yield `extension ${show(name)} is not on the list. Allowed are ${allowed.join(", ")}`;
    }
  },
});
