import { describe, expect, it } from "vitest";
import { run } from "../../../../ops/program";
import { recordedIo } from "../support";

describe("--from-server", () => {
  it.each([
    ["a server of another engine", "mariadb", ["mo_grafana"], "mo_grafana came from one of: postgres"],
    ["a server that is none", "constructor", ["mo_crm"], "mo_crm came from one of: plesk, mariadb"],
    ["a queue on no Redis", "postgres", ["svc_n8n"], "svc_n8n came from one of: redis"],
    ["one of several", "mariadb", ["mo_crm", "mo_idp"], "mo_idp came from one of: postgres"],
  ])("is refused for %s, before anything is asked", async (_what, from, names, reason) => {
    for (const command of [["backup", "list"], ["backup", "verify"], ["restore"]]) {
      const io = recordedIo();
      expect(await run([...command, ...names, "--from-server", from, "--stack", "none"], io)).toBe(2);
      expect(io.stderr).toBe(`estate: --from-server "${from}": ${reason}\n`);
    }
  });

  it("asks for names: not every database of a server has lived on another", async () => {
    for (const command of [
      ["backup", "list"],
      ["backup", "verify"],
      ["restore", "--all"],
    ]) {
      const io = recordedIo();
      expect(await run([...command, "--from-server", "postgres", "--stack", "none"], io)).toBe(2);
      expect(io.stderr).toBe("estate: --from-server: name the databases that lived there\n");
    }
  });

  it("has nothing to do with what restores have replaced, which lies where the database lives", async () => {
    const io = recordedIo();
    const args = ["restore", "mo_idp", "--drop-replaced", "--from-server", "postgres", "--stack", "none"];
    expect(await run(args, io)).toBe(2);
    expect(io.stderr).toContain("option '--drop-replaced' cannot be used with option '--from-server <name>'");
  });
});
