import { CONTEXT_SCHEMA } from "../../../provider/kinds/row-security/inputs";
import { nameOf, type RelationFact } from "../facts";
import { applicationRoles, type DatabaseRule, type Subject } from "../rule";

const isTable = ({ kind, partition }: RelationFact) => kind === "table" && !partition;

/** Everything in the declared schema; elsewhere what somebody beside its owner was let in to. */
function exposedTables({ facts, declaration }: Subject): RelationFact[] {
  return facts.relations.filter(
    (relation) =>
      isTable(relation) && (relation.schema === declaration?.schema || relation.grants.length > 0),
  );
}

const isException = ({ declaration }: Subject, { schema, name }: RelationFact) =>
  schema === declaration?.schema && Object.hasOwn(declaration.exceptions, name);

const policiesOf = ({ facts }: Subject, { schema, name }: RelationFact) =>
  facts.policies.filter((policy) => policy.schema === schema && policy.table === name);

export const rowSecurityOff: DatabaseRule = {
  id: "row-security-off",
  severity: "critical",
  requirement: "Every table has row security, or an exception that is declared with its reason.",
  mend: "pulumi up, for a declared table; else declare it in estate/row-security, or there as an exception with its reason",
  scope: "row-security",
  *faults(subject) {
    for (const table of exposedTables(subject)) {
      if (table.rowSecurity || isException(subject, table)) continue;
      const idle = policiesOf(subject, table).length;
      yield {
        at: nameOf(table),
        fault:
          idle > 0 ? `row security is off, and its policies (${idle}) do nothing` : "row security is off",
      };
    }
  },
};

export const rowSecurityNotForced: DatabaseRule = {
  id: "row-security-not-forced",
  severity: "critical",
  requirement: "Row security binds the owner of the table too.",
  mend: "ALTER TABLE ... FORCE ROW LEVEL SECURITY; pulumi up does it for a declared table",
  scope: "row-security",
  *faults(subject) {
    for (const table of subject.facts.relations.filter(isTable)) {
      if (!table.rowSecurity || table.forced) continue;
      yield { at: nameOf(table), fault: `is not forced: its owner ${table.owner} sees every row` };
    }
  },
};

export const rowSecurityWithoutPolicy: DatabaseRule = {
  id: "row-security-without-policy",
  severity: "medium",
  requirement: "A table with row security has a permissive policy: without one nobody sees a row.",
  mend: "declare the table's rules in estate/row-security, or drop the table by a migration",
  scope: "everywhere",
  *faults(subject) {
    for (const table of subject.facts.relations.filter(isTable)) {
      if (!table.rowSecurity) continue;
      const policies = policiesOf(subject, table);
      if (policies.some(({ permissive }) => permissive)) continue;
      yield {
        at: nameOf(table),
        fault: policies.length > 0 ? "has only restrictive policies, which open nothing" : "has no policy",
      };
    }
  },
};

export const partitionGranted: DatabaseRule = {
  id: "partition-granted",
  severity: "critical",
  requirement: "Nobody is granted anything on a partition: the policies of its parent do not hold there.",
  mend: "REVOKE it (pulumi up does): grant the parent table",
  scope: "row-security",
  *faults({ facts }) {
    for (const relation of facts.relations.filter(({ partition }) => partition)) {
      for (const { grantee, privilege } of relation.grants) {
        yield {
          at: nameOf(relation),
          fault: `${grantee} has ${privilege} on it, past the policies of its parent`,
        };
      }
    }
  },
};

/** Row security asks nobody who does one of these. */
const AROUND = new Set(["TRUNCATE", "REFERENCES", "TRIGGER"]);

export const grantAroundRows: DatabaseRule = {
  id: "grant-around-rows",
  severity: "critical",
  requirement: "Nobody but the owner may TRUNCATE a table, refer to it or put a trigger on it.",
  mend: "REVOKE it (pulumi up does): the service needs SELECT, INSERT, UPDATE and DELETE at most",
  scope: "row-security",
  *faults({ facts }) {
    for (const relation of facts.relations.filter(({ kind }) => kind === "table")) {
      for (const { grantee, privilege } of relation.grants) {
        if (AROUND.has(privilege))
          yield { at: nameOf(relation), fault: `${grantee} has ${privilege}, which no policy binds` };
      }
    }
  },
};

export const ownerIsApplication: DatabaseRule = {
  id: "owner-is-application",
  severity: "critical",
  requirement: "Nobody who works for the application owns a table: an owner can switch row security off.",
  mend: "ALTER TABLE ... OWNER TO the owner that the catalogue names",
  scope: "row-security",
  *faults(subject) {
    const working = new Set(applicationRoles(subject));
    const logins = new Set(subject.facts.roles.filter(({ login }) => login).map(({ name }) => name));
    for (const relation of subject.facts.relations) {
      const { owner } = relation;
      if (working.has(owner))
        yield { at: nameOf(relation), fault: `is owned by ${owner}, as which the application works` };
      else if (logins.has(owner))
        yield { at: nameOf(relation), fault: `is owned by ${owner}, as whom somebody can log in` };
    }
  },
};

export const primaryKeyMissing: DatabaseRule = {
  id: "primary-key-missing",
  severity: "medium",
  requirement: "Every table has a primary key.",
  mend: "add one by a migration",
  scope: "row-security",
  *faults({ facts }) {
    for (const table of facts.relations.filter(isTable)) {
      if (!table.primaryKey) yield { at: nameOf(table), fault: "has no primary key" };
    }
  },
};

export const foreignKeyUnindexed: DatabaseRule = {
  id: "foreign-key-unindexed",
  severity: "medium",
  requirement:
    "The columns of a foreign key lead an index: a deletion looks there for what refers to the row.",
  mend: "CREATE INDEX CONCURRENTLY by a migration of its own (-- estate: no-transaction)",
  scope: "row-security",
  *faults({ facts }) {
    for (const { schema, table, name, columns } of facts.foreignKeys) {
      const served = facts.indexes.some(
        (index) =>
          index.schema === schema &&
          index.table === table &&
          index.whole &&
          columns.every((column) => index.columns.slice(0, columns.length).includes(column)),
      );
      if (!served)
        yield { at: `${schema}.${table}.${name}`, fault: `no index begins with ${columns.join(", ")}` };
    }
  },
};

export const contextKeysReadable: DatabaseRule = {
  id: "context-keys-readable",
  severity: "critical",
  requirement:
    "Nobody is granted anything on the keys that contexts are signed with: who knows one is everybody.",
  mend: "REVOKE it (pulumi up does), and rotate the keys",
  scope: "row-security",
  *faults({ facts }) {
    for (const relation of facts.relations.filter(({ schema }) => schema === CONTEXT_SCHEMA)) {
      for (const { grantee, privilege } of relation.grants)
        yield { at: nameOf(relation), fault: `${grantee} has ${privilege} on it` };
    }
  },
};
