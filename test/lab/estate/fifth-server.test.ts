import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { live } from "../../support/declared";
import { onHost, postgres } from "../../support/lab";
import { copyProject, type ProjectCopy, plannedChanges, pulumi } from "../../support/project";
import { projectDirectory, run, succeed } from "../../support/run";

const SERVER = `  archive: { engine: "postgres", management: "provisioned", changeLog: true, secretPrefix: "PG_ARCHIVE" },\n`;
const PLACE = `    archive:
      host: spare.lab.internal
      ssh: { host: 10.77.0.16 }
      listen: 10.77.0.16
      memoryMiB: 512
`;
const KEYS = "/var/lib/estate_tunnel/.ssh/authorized_keys";

/** The way in as `checkout` declares it, by the steps of docs/way-in.md. */
async function prepareWayIn(checkout: string): Promise<void> {
  const estate = join(checkout, "ops/estate");
  const tunnel = ["tunnel", "--stack", "local"];
  const publicKey = `${process.env.TUNNEL_PRIVATE_KEY_FILE}.pub`;
  const sshd = await succeed(estate, [...tunnel, "--sshd-config"]);
  await onHost("plesk", ["tee", "/etc/ssh/sshd_config.d/50-estate-tunnel.conf"], sshd);
  await onHost("plesk", ["tee", KEYS], await succeed(estate, [...tunnel, "--authorized-keys", publicKey]));
  await onHost("plesk", ["systemctl", "reload", "ssh"]);
  await succeed(estate, ["tunnel", "--stop"]);
  await succeed(estate, [...tunnel, "--background"]);
}

/** When each engine that others use began. */
const begun = () =>
  Promise.all(
    (["mariadb", "postgresql@*"] as const).map((unit) =>
      onHost(unit === "mariadb" ? unit : "postgres", [
        ...["systemctl", "show", "--property", "MainPID,ExecMainStartTimestampMonotonic", unit],
      ]),
    ),
  );

const onSpare = (sql: string) =>
  onHost("spare", [
    "runuser",
    "-u",
    "postgres",
    "--",
    "psql",
    "-X",
    "-q",
    "-At",
    "-d",
    "mo_grafana",
    "-c",
    sql,
  ]);

/** An entry of the catalogue and one of the stack file, and a database that goes there by its own. */
describe("a fifth server", () => {
  let project: ProjectCopy;
  let before: string[];
  const estate = (...args: string[]) => run(join(project.directory, "ops/estate"), args);

  beforeAll(async () => {
    await postgres(
      "mo_grafana",
      "SET ROLE svc_grafana; CREATE TABLE moved (id int PRIMARY KEY, name text); INSERT INTO moved VALUES (1, 'ä'), (2, '\"')",
    );
    await succeed("ops/estate", ["backup", "now", "--stack", "local", "mo_grafana"]);
    before = await begun();
    project = await copyProject();
    await project.edit("estate/catalogue.ts", /^ {2}redis: \{ engine/m, `${SERVER}$&`);
    await project.edit(
      "estate/catalogue.ts",
      'postgres("mo_grafana",   {',
      'postgres("mo_grafana", { server: "archive",',
    );
    await project.edit("Pulumi.local.yaml", /^ {4}redis:\n/m, `${PLACE}$&`);
    await prepareWayIn(project.directory);
  });

  afterAll(async () => {
    await project?.remove();
    // Emptied, so that `up` may take the database over again where it was.
    await postgres("mo_grafana", "DROP TABLE IF EXISTS moved");
    const up = await pulumi(["up", "--stack", "local", "--yes", "--skip-preview"]);
    expect(up.code, up.output).toBe(0);
    expect(await plannedChanges()).toEqual([]);
    await prepareWayIn(projectDirectory);
    await succeed("lab/lab", ["reset", "spare"]);
  });

  it("is made, with its database, its backups and its secrets, by one `up` under the policies", async () => {
    const up = await project.pulumi([
      ...["up", "--stack", "local", "--yes", "--skip-preview"],
      ...["--policy-pack", "policy", "--policy-pack-config", "policy/config.local.json"],
    ]);
    expect(up.code, up.output).toBe(0);
    expect(up.output).not.toMatch(/ (?:replaced|deleted) /);
    expect(await plannedChanges({ cwd: project.directory })).toEqual([]);
    const checked = await estate("check", "--stack", "local", "--json");
    expect(JSON.parse(checked.stdout), checked.output).toMatchObject({
      databases: { reachable: live.databases, total: live.databases },
    });
  });

  it("takes the data from the backups of the server before", async () => {
    const restored = await estate("restore", "--stack", "local", "mo_grafana", "--from-server", "postgres");
    expect(restored.code, restored.output).toBe(0);
    expect(await onSpare("SELECT * FROM moved ORDER BY 1")).toBe('1|ä\n2|"\n');
    expect(await onSpare("SELECT tableowner FROM pg_tables WHERE tablename = 'moved'")).toBe("svc_grafana\n");
    const saved = await estate("backup", "now", "--stack", "local", "mo_grafana");
    expect(saved.code, saved.output).toBe(0);
    const proven = await estate("check", "--stack", "local", "--privileges", "--only", "mo_grafana");
    expect(proven.code, proven.output).toBe(0);
  });

  it("restarts nothing that others use", async () => expect(await begun()).toEqual(before));

  it("leaves the former database where it was, and the lint names what is still let in there", async () => {
    expect(await postgres("mo_grafana", "SELECT count(*) FROM moved")).toBe("2\n");
    const linted = await estate("lint", "--stack", "local");
    expect(linted.code, linted.output).toBe(1);
    expect(linted.output).toContain("svc_grafana");
  });
});
