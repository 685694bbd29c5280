import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { databases, redisUsers } from "../../../estate/catalogue";
import type { ConnectionOutput } from "../../../estate/outputs";
import { narrow } from "../../../ops/reach/only";
import { isTarget, selectTargets } from "../../../ops/reach/targets";
import { resolveStack } from "../../../ops/stack";
import { parseStackOutputs, readStackOutputs } from "../../../ops/stack-outputs";
import { recordedIo } from "./support";

const login: ConnectionOutput = {
  server: "postgres",
  engine: "postgres",
  host: "postgres.example",
  port: 5432,
  database: "mo_idp",
  user: "svc_idp_a",
  password: "canary-password",
  caCertificate: "PEM",
  serverName: "postgres.example",
};
const outputs = { connections: { mo_idp: login }, redis: {}, admins: {}, rotations: {}, wrappingSecrets: {} };

describe("parseStackOutputs", () => {
  it("takes what the program exports, beside other outputs", () => {
    expect(parseStackOutputs(JSON.stringify({ ...outputs, other: 1 }), "prod")).toEqual(outputs);
  });

  it("says what to run where there are none", () => {
    expect(() => parseStackOutputs("{}", "prod")).toThrow(
      "stack prod has no outputs yet. Run: pulumi up --stack prod",
    );
  });

  it("knows the nulls of a passphrase that does not fit, and sends nobody to `pulumi up`", () => {
    const closed = { ...outputs, connections: null, redis: null, admins: null };
    expect(() => parseStackOutputs(JSON.stringify(closed), "prod")).toThrow(
      /^the secrets of stack prod do not open: PULUMI_CONFIG_PASSPHRASE .* another passphrase than the stack's$/,
    );
  });

  it.each([
    ["no JSON", `{"connections": canary-password`],
    ["another shape", JSON.stringify({ connections: { mo_idp: { ...login, port: "canary-password" } } })],
  ])("does not quote %s, which may hold passwords", (_, text) => {
    try {
      parseStackOutputs(text, "prod");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2 });
      expect(String(error)).not.toContain("canary-password");
    }
  });
});

describe("selectTargets", () => {
  it("takes along what a service on Redis shows", () => {
    const { server: _server, engine: _engine, database: _database, ...redis } = login;
    const shown = { ...redis, keyPrefix: "crm:", clientCertificate: "canary-key" };
    const read = parseStackOutputs(JSON.stringify({ ...outputs, redis: { svc_crm: shown } }), "prod");
    const [target] = selectTargets([], redisUsers, read).filter(isTarget);
    expect(target).toMatchObject({ name: "svc_crm", clientCertificate: "canary-key" });
  });

  it("is led by the catalogue: what has no login is missing, not left out", () => {
    const targets = selectTargets(databases, redisUsers, outputs);
    expect(targets.map(({ name }) => name)).toEqual([...databases, ...redisUsers].map(({ name }) => name));
    expect(targets.filter(isTarget).map(({ name }) => name)).toEqual(["mo_idp"]);
  });

  it("expects a PostgreSQL slot to work as its service, in its own database", () => {
    const found = selectTargets(databases, [], outputs).find(isTarget);
    expect(found?.expected).toEqual({ loggedInAs: "svc_idp_a", workingAs: "svc_idp", database: "mo_idp" });
  });

  it("passes over what is retired", () => {
    const retired = databases.map((entry) => ({ ...entry, state: "retired" as const }));
    expect(selectTargets(retired, [], outputs)).toEqual([]);
  });
});

describe("--only", () => {
  it("keeps what is named, of both kinds", () => {
    const left = narrow({ databases, redisUsers }, ["mo_crm", "svc_n8n"]);
    expect(left.databases.map(({ name }) => name)).toEqual(["mo_crm"]);
    expect(left.redisUsers.map(({ name }) => name)).toEqual(["svc_n8n"]);
  });

  it("names every unknown name and the nearest known one", () => {
    expect(() => narrow({ databases, redisUsers }, ["mo_crn", "mo_crm", "mcpportal"])).toThrow(
      "mo_crn (did you mean mo_crm?), mcpportal (did you mean mcp_portal?)",
    );
  });
});

describe("the pulumi command", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), "estate-pulumi-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** A `pulumi` that says what it is told to. */
  function commandThat(script: string) {
    const file = path.join(directory, "pulumi");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return recordedIo({ env: { PATH: `${directory}:/bin:/usr/bin` } });
  }

  it("is missed with the command that brings it", async () => {
    const io = recordedIo({ env: { PATH: directory } });
    await expect(readStackOutputs(io, "prod")).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('eval "$(toolchain/env)"'),
    });
  });

  it("is told the stack, and its stdout never enters an error", async () => {
    const io = commandThat(`echo canary-password; echo "error: no stack named '$4' found" >&2; exit 255`);
    await expect(readStackOutputs(io, "nope")).rejects.toMatchObject({
      exitCode: 2,
      message: "pulumi stack output did not work: no stack named 'nope' found",
    });
  });

  it("is asked for the selected stack only where none is named", async () => {
    const io = commandThat("echo selected");
    expect(await resolveStack(io, "asked")).toBe("asked");
    expect(await resolveStack({ ...io, env: { ...io.env, PULUMI_STACK: "variable" } }, undefined)).toBe(
      "variable",
    );
    expect(await resolveStack(io, undefined)).toBe("selected");
    // `--stack "$STACK"` of a shell that does not know STACK: no command may take another stack for it.
    await expect(resolveStack(io, "")).rejects.toThrow('--stack is "": name a stack');
  });

  it("may know of no selected stack", async () => {
    const io = commandThat("exit 255");
    await expect(resolveStack(io, undefined)).rejects.toThrow(
      "no stack is selected. Name one: --stack local",
    );
  });
});
