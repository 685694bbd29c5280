import { LOADER } from "../../components/plans/pg-hba";
import { ADMIN, BACKUP_LOGINS, loginSlots, serviceUser } from "../../estate/naming";
import { type Sources, sourceFault } from "../addresses";
import { writtenFiles } from "../host-text";
import { REMOTE_COMMAND, SERVER_SETTINGS } from "../kinds";
import { isOwnDatabase } from "../roles";
import { resourceRule } from "../rule";
import { type HbaRule, parseHba } from "../servers/hba";
import { sourceSettings } from "../settings";

export const hbaSourceNarrow = resourceRule<Sources>({
  name: "hba-source-narrow",
  description:
    "A rule of pg_hba.conf lets named users in from one address over TLS with SCRAM, and the last lines refuse the rest.",
  severity: "critical",
  remediationSteps:
    "Let components/plans/pg-hba.ts write the file: hostssl, the plesk address, scram-sha-256, then reject.",
  config: sourceSettings(32, 128),
  types: [REMOTE_COMMAND, SERVER_SETTINGS],
  *faults({ type, props }, sources) {
    if (type === SERVER_SETTINGS && props.engine === "postgres" && props.hba === undefined)
      yield "hba is not set, so the file stays as it was. Let components/plans/pg-hba.ts write it";
    if (type === SERVER_SETTINGS && props.engine === "postgres" && props.ident === undefined)
      yield "ident is not set, so who may be whom on the host stays as it was. Let components/plans/pg-hba.ts write it";
    for (const { hba } of writtenFiles(type, props)) {
      if (hba === undefined) continue;
      const { rules, faults } = parseHba(hba);
      for (const fault of faults) yield `pg_hba.conf: ${fault}`;
      for (const rule of rules) {
        if (rule.method === "reject") continue;
        for (const fault of rule.type === "local" ? onHost(rule) : fromNetwork(rule, sources)) {
          yield `pg_hba.conf, line ${rule.line}: ${fault}`;
        }
      }
      for (const [line, closes] of Object.entries(LAST)) {
        if (!rules.some(closes))
          yield `pg_hba.conf: nothing refuses what no other line names. End with: ${line}`;
      }
    }
  },
});

const everybody = ({ databases, users, method }: HbaRule) =>
  method === "reject" && databases.join() === "all" && users.join() === "all";

const LAST: Record<string, (rule: HbaRule) => boolean> = {
  "local all all reject": (rule) => rule.type === "local" && everybody(rule),
  "host all all all reject": (rule) => rule.type === "host" && rule.source === "all" && everybody(rule),
};

/** Logins of backup and restore, which pg_ident.conf ties to one system user each. */
const MAPPED: readonly string[] = [BACKUP_LOGINS.reader, BACKUP_LOGINS.copier, `/^${LOADER}$`];

/** On the host itself the engine's own user, and those of backup and restore, told by the operating system. */
function* onHost({ users, method, options }: HbaRule): Iterable<string> {
  if (method !== "peer") yield `the method is ${method}: on the host itself use peer`;
  if (MAPPED.includes(users.join()) && options.join() === "map=estate") return;
  if (users.join() !== "postgres") yield `lets in ${users.join(",")} on the host itself. Name postgres alone`;
  if (options.length > 0) yield `has options (${options.join(" ")}), by which one user may come as another`;
}

function* fromNetwork(rule: HbaRule, sources: Sources): Iterable<string> {
  const { type, databases, users, source, method, options } = rule;
  const fault = sourceFault(source, sources);
  if (fault) yield fault;
  if (type !== "hostssl") yield "takes connections without TLS. Use hostssl";
  if (method !== "scram-sha-256" && method !== "cert") yield `the method is ${method}. Use scram-sha-256`;
  // The admin goes everywhere; a service's logins into its own database.
  if (databases.join() !== "all" || users.join() !== ADMIN) {
    for (const database of databases) {
      if (!isOwnDatabase(database)) {
        yield `is about ${database}, which is no service's database. Name it`;
        continue;
      }
      const own = loginSlots(serviceUser(database));
      for (const user of users.filter((one) => !own.includes(one)))
        yield `lets ${user} into ${database}, whose logins are ${own.join(" and ")}`;
    }
  }
  for (const option of options) {
    if (option !== "clientcert=verify-full") yield `has the option ${option}. Leave it out`;
  }
}
