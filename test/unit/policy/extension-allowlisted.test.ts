import { expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { extensionAllowlisted } from "../../../policy/rules/extension-allowlisted";
import { faultsOf, verifyRule } from "../../support/policy";

verifyRule(
  extensionAllowlisted,
  { type: "postgresql:index/extension:Extension", props: { name: "pgcrypto" } },
  [
    {
      clause: "a language that reads files",
      props: { name: "plpython3u" },
      config: { allowed: ["pgcrypto", "hstore"] },
      says: ['extension "plpython3u" is not on the list. Allowed are pgcrypto, hstore'],
    },
    {
      clause: "what the default list lacks",
      props: { name: "dblink" },
      says: [
        'extension "dblink" is not on the list. Allowed are btree_gin, btree_gist, citext, hstore, pg_stat_statements, pg_trgm, pgcrypto, unaccent, uuid-ossp',
      ],
    },
  ],
);

it("allows what the catalogue has", () => {
  const declared = databases.flatMap((entry) => (entry.engine === "postgres" ? entry.extensions : []));
  for (const name of declared) {
    expect(
      faultsOf(extensionAllowlisted, { type: "postgresql:index/extension:Extension", props: { name } }),
    ).toEqual([]);
  }
});
