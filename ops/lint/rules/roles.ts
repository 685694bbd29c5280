import { BACKUP_LOGINS } from "../../../estate/naming";
import type { RoleFact } from "../facts";
import { applicationRoles, type DatabaseRule, type ServerRule } from "../rule";

/** Rights over the server's files and programs are as good as a superuser's. */
const POWERS = new Set([
  "pg_execute_server_program",
  "pg_read_server_files",
  "pg_write_server_files",
  "pg_read_all_data",
  "pg_write_all_data",
]);

export const rolePassesRowSecurity: ServerRule = {
  id: "role-passes-row-security",
  severity: "critical",
  requirement: "No role but the admin's is a superuser or passes row security by.",
  mend: "ALTER ROLE ... NOSUPERUSER NOBYPASSRLS",
  scope: "server",
  *faults({ facts }) {
    for (const { name, superuser, bypassRls, admin } of facts.roles) {
      if (admin) continue;
      if (superuser) yield { at: name, fault: "is a superuser: no policy binds it" };
      // Who reads for the backup, and can write nothing.
      else if (bypassRls && name !== BACKUP_LOGINS.reader)
        yield { at: name, fault: "has BYPASSRLS: no policy binds it" };
    }
  },
};

export const roleReachesPower: DatabaseRule = {
  id: "role-reaches-power",
  severity: "critical",
  requirement:
    "Nobody who works for the application can become the owner, a superuser or one who passes row security by.",
  mend: "REVOKE the membership: a service takes its identities and nothing else (pulumi up does it)",
  scope: "row-security",
  *faults(subject) {
    const roles = new Map(subject.facts.roles.map((role) => [role.name, role]));
    const owners = new Set([
      subject.entry.owner,
      ...subject.facts.relations.map(({ owner }) => owner),
      ...subject.facts.functions.filter(({ definer }) => definer).map(({ owner }) => owner),
    ]);
    for (const start of applicationRoles(subject)) {
      for (const path of pathsFrom(roles, start)) {
        const reached = path.at(-1) as string;
        const what = powerOf(roles.get(reached), owners);
        if (what) yield { at: start, fault: `becomes ${path.join(", then ")}, which ${what}` };
      }
    }
  },
};

function powerOf(role: RoleFact | undefined, owners: ReadonlySet<string>): string | undefined {
  if (!role) return undefined;
  if (role.superuser) return "is a superuser";
  if (role.bypassRls) return "has BYPASSRLS";
  if (POWERS.has(role.name)) return "has rights over the whole server";
  return owners.has(role.name) ? "owns tables or functions" : undefined;
}

/** One way to each role that can be become, the start apart. */
function pathsFrom(roles: ReadonlyMap<string, RoleFact>, start: string): string[][] {
  const paths: string[][] = [];
  const seen = new Set([start]);
  const look = (name: string, way: readonly string[]) => {
    for (const next of roles.get(name)?.becomes ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...way, next]);
      look(next, [...way, next]);
    }
  };
  look(start, []);
  return paths;
}
