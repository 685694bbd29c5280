import { viewInvokerRights } from "../../../policy/rules/view-invoker-rights";
import { verifyRule } from "../../support/policy";

const step = (up: string) => ({ migrations: { "0001_a": { up } } });
const good = {
  type: "estate:sql:Migrations",
  props: {
    database: "ncy8",
    migrations: {
      "0001_a": {
        up:
          "CREATE VIEW app.seen WITH (security_invoker = true) AS SELECT 1;\n" +
          "CREATE OR REPLACE VIEW more WITH (security_barrier, security_invoker) AS SELECT 1;\n" +
          "CREATE MATERIALIZED VIEW counted AS SELECT 1;\n-- CREATE VIEW none AS SELECT 1;\n",
      },
      "0002_b": { up: "CREATE OR REPLACE SQL SECURITY INVOKER VIEW seen AS SELECT 1;" },
    },
  },
};

verifyRule(viewInvokerRights, good, [
  {
    clause: "a view with its owner's rights",
    props: step("CREATE VIEW app.seen AS SELECT 'security_invoker';"),
    says: ["0001_a: view app.seen shows what its owner sees. Add security_invoker"],
  },
  {
    clause: "a view that is told to have them",
    props: step("CREATE OR REPLACE VIEW seen WITH (security_invoker = false) AS SELECT 1;"),
    says: ["0001_a: view seen shows what its owner sees. Add security_invoker"],
  },
  {
    clause: "a view on MariaDB that says nothing",
    props: step("CREATE OR REPLACE VIEW `seen` AS SELECT 1;"),
    says: ["0001_a: view `seen` shows what its owner sees. Add security_invoker"],
  },
]);
