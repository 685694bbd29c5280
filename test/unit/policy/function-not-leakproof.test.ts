import { functionNotLeakproof } from "../../../policy/rules/function-not-leakproof";
import { verifyRule } from "../../support/policy";

const step = (up: string) => ({ migrations: { "0001_a": { up } } });
const good = {
  type: "estate:sql:Migrations",
  props: {
    database: "ncy8",
    ...step(
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql NOT LEAKPROOF AS $$ SELECT 1 -- LEAKPROOF\n $$; -- LEAKPROOF\n",
    ),
  },
};

verifyRule(functionNotLeakproof, good, [
  {
    clause: "a function that is made so",
    props: step("CREATE FUNCTION app.f() RETURNS int LANGUAGE sql IMMUTABLE LEAKPROOF AS $$ SELECT 1 $$;"),
    says: ["0001_a: app.f is LEAKPROOF. Leave it out"],
  },
  {
    clause: "a function that becomes so",
    props: step("ALTER FUNCTION f(int) leakproof;"),
    says: ["0001_a: f is LEAKPROOF. Leave it out"],
  },
]);
