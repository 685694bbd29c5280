import { securityDefinerPinned } from "../../../policy/rules/security-definer-pinned";
import { verifyRule } from "../../support/policy";

const step = (head: string) => ({
  migrations: { "0001_a": { up: `CREATE FUNCTION app.pay(a int) RETURNS int ${head} AS $$ SELECT 1; $$;` } },
});
const good = {
  type: "estate:sql:Migrations",
  props: {
    database: "ncy8",
    ...step("LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"),
  },
};

verifyRule(securityDefinerPinned, good, [
  {
    clause: "a path of the caller's",
    props: step("LANGUAGE sql SECURITY DEFINER"),
    says: ["0001_a: app.pay is SECURITY DEFINER without SET search_path"],
  },
  {
    clause: "a path that searches temporary objects first",
    props: step("LANGUAGE sql SECURITY DEFINER SET search_path = public"),
    says: ["0001_a: the search_path of app.pay is public: pg_temp comes last, or it is searched first"],
  },
  {
    clause: "temporary objects before others",
    props: step("SECURITY DEFINER SET search_path TO 'pg_temp', public LANGUAGE sql"),
    says: [
      "0001_a: the search_path of app.pay is 'pg_temp', public: pg_temp comes last, or it is searched first",
    ],
  },
  {
    clause: "the words after the body",
    props: {
      migrations: {
        "0002_b": { up: "CREATE OR REPLACE PROCEDURE p() AS $x$ ; $x$ LANGUAGE sql SECURITY DEFINER;" },
      },
    },
    says: ["0002_b: p is SECURITY DEFINER without SET search_path"],
  },
]);
