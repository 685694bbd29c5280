import * as path from "node:path";
import type { Io } from "../../../ops/io";
import type { Reach } from "../../../ops/reach/check";
import type { Target } from "../../../ops/reach/targets";

export const projectDir = path.resolve(__dirname, "../../..");

export interface RecordedIo extends Io {
  stdout: string;
  stderr: string;
}

/** A world that keeps what is written to it: no terminal, an empty environment unless given. */
export function recordedIo(changes: Partial<Io> = {}): RecordedIo {
  const io: RecordedIo = {
    stdout: "",
    stderr: "",
    out: (text) => {
      io.stdout += text;
    },
    err: (text) => {
      io.stderr += text;
    },
    env: {},
    cwd: projectDir,
    projectDir,
    colour: false,
    liveStderr: false,
    ...changes,
  };
  return io;
}

export function target(changes: Partial<Target> = {}): Target {
  return {
    kind: "database",
    name: "mo_idp",
    server: "postgres",
    engine: "postgres",
    endpoint: { host: "postgres.example", port: 5432 },
    trust: { caCertificate: "PEM" },
    password: "canary-password",
    expected: { loggedInAs: "svc_idp_a", workingAs: "svc_idp", database: "mo_idp" },
    ...changes,
  };
}

export function reach(changes: Partial<Reach> = {}): Reach {
  return {
    kind: "database",
    name: "mo_crm",
    server: "mariadb",
    engine: "mariadb",
    host: "mariadb.example",
    port: 3306,
    reachable: true,
    version: "11.8.3",
    tlsProtocol: "TLSv1.3",
    certificateDaysLeft: 300,
    latencyMs: 0.62,
    loginMs: 14.26,
    ...changes,
  };
}
