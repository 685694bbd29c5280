import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { quote } from "../../connect/host-script";
import type { ServerName } from "../../estate/types";
import { brittleHost, type LocalHost, shell } from "./local-host";
import type { PostgresHost } from "./postgres-host";
import { projectDirectory, succeed } from "./run";

/** The throw-away host of a PostgreSQL server as restores and the agent see it: their own text runs there, as its root. */
export async function localPostgresHost(name: ServerName, engine: PostgresHost): Promise<LocalHost> {
  const directory = await fs.mkdtemp(path.join(tmpdir(), "estate-host-"));
  const root = (text: string, input?: string) =>
    succeed(
      engine.inside[0] ?? "",
      [...engine.inside.slice(1), "bash", "-euo", "pipefail", "-c", text],
      input === undefined ? {} : { input },
    );
  const put = (file: string, text: string) =>
    root(`mkdir -p ${path.dirname(file)}; cat >${file}; chmod 755 ${file}`, text);
  await put("/usr/local/bin/df", "#!/bin/bash\necho Avail\ncat /etc/free\n");
  await put("/etc/free", `${2 ** 40}\n`);
  await put("/etc/agent.log", "");
  await put("/usr/local/sbin/estate-backup", agent(name));
  const library = "/usr/local/lib/estate-backup";
  for (const script of await fs.readdir(path.join(projectDirectory, "components/agent"))) {
    if (!script.endsWith(".sh")) continue;
    await put(
      `${library}/${script}`,
      await fs.readFile(path.join(projectDirectory, "components/agent", script), "utf8"),
    );
  }

  return {
    directory,
    inside: engine.inside,
    share: engine.share,
    ...brittleHost(name, (text, options) => shell(engine.inside, text, {}, options)),
    setFree: async (bytes) => {
      await put("/etc/free", `${bytes}\n`);
    },
    safetyBackups: async () => (await root("cat /etc/agent.log")).split("\n").filter(Boolean),
    async backUp(database, recipient) {
      const work = (await root("mktemp -d /tmp/work.XXXXXX")).trim();
      await root(`cat >${work}/recipients.txt`, `${recipient}\n`);
      await root(
        [
          `etc=${work} state=${work} work=${work} lib=${library} PORT=${engine.port} LOCAL=${work}`,
          "source $lib/bounds.sh; source $lib/errors.sh; source $lib/common.sh; source $lib/postgres.sh",
          `dump ${quote(database)} ${work}/rows.json | seal >${work}/sealed`,
        ].join("\n"),
      );
      const base64 = await root(`base64 -w0 <${work}/sealed`);
      const rows = JSON.parse(await root(`cat ${work}/rows.json`));
      const notes = JSON.parse(await root(`cat ${work}/notes.json 2>/dev/null || echo '[]'`));
      await root(`rm -rf ${work}`);
      return { sealed: Buffer.from(base64, "base64"), rows, notes };
    },
    remove: () => fs.rm(directory, { recursive: true, force: true }),
  };
}

/** Notes what it was asked for, and answers with a manifest. */
function agent(host: ServerName): string {
  const manifest = {
    ...{ run: "20260101T000000Z", host, engine: "postgres", tag: "safety", ok: true },
    ...{ finished: "2026-01-01T00:00:00Z", durationMs: 1, versions: {}, failed: [], objects: [] },
  };
  return `#!/bin/bash\necho "$*" >>/etc/agent.log\necho ${quote(JSON.stringify(manifest))}\n`;
}
