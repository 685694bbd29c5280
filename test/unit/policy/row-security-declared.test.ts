import { describe, expect, it } from "vitest";
import { rowSecurityDeclared } from "../../../policy/rules/row-security-declared";
import { type Member, stackFaultsOf } from "../../support/policy";

const up = `
CREATE TABLE users (id uuid); CREATE TABLE IF NOT EXISTS public.teams (id uuid);
CREATE TABLE log (at timestamptz) PARTITION BY RANGE (at); CREATE TABLE log_default PARTITION OF log DEFAULT;
CREATE TABLE internal.notes (id int); CREATE TABLE short_lived (id int);
-- CREATE TABLE commented (id int);
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE inside (id int); END $$;`;
const database: Member = { name: "ncy8-database", type: "estate:postgres:Database", props: { name: "ncy8" } };
const migrations: Member = {
  name: "ncy8-migrations",
  type: "estate:sql:Migrations",
  props: { database: "ncy8", migrations: { "0001_a": { up }, "0002_b": { up: "DROP TABLE short_lived;" } } },
};
const security = (tables: object): Member => ({
  name: "ncy8-row-security",
  type: "estate:postgres:RowSecurity",
  props: { database: "ncy8", tables },
});
const all = { users: "forced", teams: "forced", log: "forced" };

describe("row-security-declared", () => {
  const faults = (...members: Member[]) => stackFaultsOf(rowSecurityDeclared, [database, ...members]);

  it("accepts a database whose every table is declared, and one of MariaDB", () => {
    expect(faults(migrations, security(all))).toEqual([]);
    const mariadb = { ...migrations, name: "mo_hooks", props: { ...migrations.props, database: "mo_hooks" } };
    expect(faults(migrations, mariadb, security(all))).toEqual([]);
  });

  it("refuses a database without row security", () => {
    expect(faults(migrations)).toEqual([
      "ncy8-migrations: ncy8 has no estate:postgres:RowSecurity. Declare who sees which rows",
    ]);
  });

  it("refuses each table that nobody declared", () => {
    expect(faults(migrations, security({ users: "forced" }))).toEqual([
      "ncy8-row-security: tables says nothing of log, which a migration makes",
      "ncy8-row-security: tables says nothing of teams, which a migration makes",
    ]);
  });
});
