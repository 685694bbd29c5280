import { nameOf, type Owned, superusersOf } from "../facts";
import type { DatabaseRule, Fault, ServerRule } from "../rule";

export const objectOwnerForeign: DatabaseRule = {
  id: "object-owner-foreign",
  severity: "high",
  requirement:
    "Everything in a database belongs to its owner or its service: what somebody else owns the application cannot change.",
  mend: "ALTER ... OWNER TO the database's owner, as the admin",
  scope: "everywhere",
  *faults({ facts, entry }) {
    const owners = new Set([entry.owner, entry.service]);
    const own = (what: Owned, at: string): Fault[] =>
      owners.has(what.owner)
        ? []
        : [{ at, fault: `belongs to ${what.owner}, and not to ${[...owners].join(" or ")}` }];
    for (const relation of facts.relations) yield* own(relation, nameOf(relation));
    for (const sequence of facts.sequences) yield* own(sequence, nameOf(sequence));
    for (const each of facts.functions) yield* own(each, `${each.schema}.${each.signature}`);
    for (const schema of facts.schemas) yield* own(schema, schema.name);
    for (const each of facts.others) yield* own(each, each.at);
    // Whoever updates it must own it; an extension of the catalogue's is the admin's.
    const admins = superusersOf(facts);
    for (const each of facts.extensions.filter(({ owner }) => !admins.includes(owner)))
      yield* own(each, `extension ${each.name}`);
  },
};

export const extensionOutdated: DatabaseRule = {
  id: "extension-outdated",
  severity: "medium",
  requirement: "An extension has the version that the server's package brings.",
  mend: "ALTER EXTENSION ... UPDATE, as the admin",
  scope: "everywhere",
  *faults({ facts }) {
    for (const { name, installed, offered } of facts.extensions) {
      if (offered !== null && installed !== offered)
        yield {
          at: `extension ${name}`,
          fault: `is at version ${installed}, and the server offers ${offered}`,
        };
    }
  },
};

export const collationOutdated: DatabaseRule = {
  id: "collation-outdated",
  severity: "high",
  requirement:
    "Indexes were built under the collation that the system has now: after an upgrade of the system they may miss rows.",
  mend: "REINDEX DATABASE ..., then ALTER DATABASE ... REFRESH COLLATION VERSION (or ALTER COLLATION ... REFRESH VERSION)",
  scope: "everywhere",
  *faults({ facts }) {
    for (const { at, recorded, actual } of facts.collations) {
      if (recorded !== actual) yield { at, fault: outdated(recorded, actual) };
    }
  },
};

const outdated = (recorded: string | null, actual: string | null) =>
  `was built with version ${recorded ?? "none"}, and the system has ${actual ?? "none"}`;

export const beyondTables: DatabaseRule = {
  id: "object-reaches-out",
  severity: "high",
  requirement:
    "Nothing in a database reaches beyond its tables: no event trigger, publication, subscription, foreign server or cast of PostgreSQL's types.",
  mend: "DROP EVENT TRIGGER | PUBLICATION | SUBSCRIPTION | SERVER | CAST ..., as the admin",
  scope: "everywhere",
  faults: ({ facts }) => facts.beyond,
};

export const functionUntrusted: DatabaseRule = {
  id: "function-untrusted",
  severity: "critical",
  requirement: "No function is written in a language in which it may do what the server's own process may.",
  mend: "DROP FUNCTION ..., as the admin, and write it in SQL or PL/pgSQL",
  scope: "everywhere",
  *faults({ facts }) {
    for (const { schema, signature } of facts.functions.filter(({ untrusted }) => untrusted))
      yield { at: `${schema}.${signature}`, fault: "is in a language that no right binds" };
  },
};

export const slotLeft: ServerRule = {
  id: "replication-slot-left",
  severity: "high",
  requirement:
    "No replication slot is left: its log is kept until the disk is full, and whoever holds it reads every change.",
  mend: "SELECT pg_drop_replication_slot(...), as the admin",
  scope: "server",
  *faults({ facts }) {
    for (const slot of facts.slots) yield { at: `replication slot ${slot}`, fault: "is nobody's here" };
  },
};

/** Where nothing is looked at but on the server: what others are copied from, and where the admin works. */
export const serverCollationOutdated: ServerRule = {
  id: "server-collation-outdated",
  severity: "medium",
  requirement:
    "The databases that others are made from, and the admin's own, have the system's collation too.",
  mend: "REINDEX DATABASE ..., then ALTER DATABASE ... REFRESH COLLATION VERSION",
  scope: "server",
  *faults({ facts }) {
    for (const { name, recorded, actual } of facts.databases.filter((each) => SERVERS_OWN.has(each.name))) {
      if (recorded !== actual) yield { at: `database ${name}`, fault: outdated(recorded, actual) };
    }
  },
};

const SERVERS_OWN = new Set(["postgres", "template1"]);
/** What a restore makes beside a database, and tells of itself (ops/restore/names.ts); what a dry run of migrations may leave. */
const IN_PASSING = /^.+__(?:restoring|replaced_\d+t\d+z)$|^estate_scratch_[0-9a-f]+$/;

export const databaseUndeclared: ServerRule = {
  id: "database-undeclared",
  severity: "medium",
  requirement:
    "Every database of the server is in the catalogue: of another nobody says who enters it, and it is in no backup.",
  mend: "DROP DATABASE ... where it was a copy for a look; else declare it",
  scope: "server",
  *faults({ facts, declared }) {
    for (const { name } of facts.databases) {
      if (!declared || declared.databases.includes(name) || SERVERS_OWN.has(name) || IN_PASSING.test(name))
        continue;
      yield { at: `database ${name}`, fault: "is in no catalogue" };
    }
  },
};

export const roleUndeclared: ServerRule = {
  id: "role-undeclared",
  severity: "high",
  requirement: "Every role of the server is declared.",
  mend: "DROP OWNED BY ... in each database and DROP ROLE ..., as the admin; or declare it",
  scope: "server",
  *faults({ facts, declared }) {
    for (const { name, admin, login } of facts.roles) {
      if (!declared || admin || name.startsWith("pg_") || declared.roles.includes(name)) continue;
      // The login of a restore, which goes with it.
      if (name.startsWith("estate_restore_")) continue;
      yield {
        at: name,
        fault: login ? "can log in, and nobody declares it" : "is a role that nobody declares",
      };
    }
  },
};
