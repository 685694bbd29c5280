import { expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { extensionAllowlisted } from "../../../policy/rules/extension-allowlisted";
import { faultsOf, verifyRule } from "../../support/policy";

const type = "estate:postgres:Database";

verifyRule(extensionAllowlisted, { type, props: { extensions: ["pgcrypto"] } }, [
  {
    clause: "a language that reads files",
    props: { extensions: ["hstore", "plpython3u"] },
    config: { allowed: ["pgcrypto", "hstore"] },
    says: ['extension "plpython3u" is not on the list. Allowed are pgcrypto, hstore'],
  },
  {
    clause: "what the default list lacks",
    props: { extensions: ["dblink"] },
    says: [
      'extension "dblink" is not on the list. Allowed are btree_gin, btree_gist, citext, hstore, pg_stat_statements, pg_trgm, pgcrypto, unaccent, uuid-ossp',
    ],
  },
]);

it("allows what the catalogue has", () => {
  const extensions = databases.flatMap((entry) => (entry.engine === "postgres" ? entry.extensions : []));
  expect(extensions).toContain("pgcrypto");
  expect(faultsOf(extensionAllowlisted, { type, props: { extensions } })).toEqual([]);
});
