import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { exitCodeFor } from "../../../ops/commands/check";
import { EXIT } from "../../../ops/exit";
import { type Connect, checkAll, type Session } from "../../../ops/reach/check";
import { daysLeft, evaluate, type SessionFacts, shortVersion } from "../../../ops/reach/evaluate";
import { reach, target } from "./support";

const good: SessionFacts = {
  version: "17.6 (Debian 17.6-0+deb13u1)",
  tlsProtocol: "TLSv1.3",
  certificateNotAfter: "Nov 20 11:15:11 2028 GMT",
  loggedInAs: "svc_idp_a",
  workingAs: "svc_idp",
  database: "mo_idp",
};
const { expected } = target();

function session(facts: Partial<SessionFacts> = {}): Session {
  return { facts: async () => ({ ...good, ...facts }), ping: async () => {}, close: async () => {} };
}

const options = (connect: Connect, changes = {}) => ({ connect, timeoutMs: 5_000, parallel: 8, ...changes });

describe("evaluate", () => {
  it("accepts the session that was declared", () => {
    expect(evaluate(good, expected)).toEqual([]);
  });

  it.each<[string, Partial<SessionFacts>, string]>([
    ["no TLS", { tlsProtocol: "" }, "the session has no TLS 1.2 or newer (not encrypted)"],
    ["an old TLS", { tlsProtocol: "TLSv1.1" }, "the session has no TLS 1.2 or newer (TLSv1.1)"],
    ["a slot with its own rights", { workingAs: "svc_idp_a" }, "works as svc_idp_a, not as svc_idp"],
    ["another login", { loggedInAs: "svc_idp_b" }, "logged in as svc_idp_b, not as svc_idp_a"],
    ["another database", { database: "postgres" }, "is in database postgres, not in mo_idp"],
    ["no database", { database: undefined }, "is in database none, not in mo_idp"],
  ])("refuses %s", (_, change, fault) => {
    expect(evaluate({ ...good, ...change }, expected)).toEqual([fault]);
  });

  it("refuses a server that is older than the stack asks for, number by number", () => {
    const at = (minimumVersion: string) => evaluate(good, { ...expected, minimumVersion });
    expect(at("17")).toEqual([]);
    expect(at("17.6")).toEqual([]);
    expect(at("17.10")).toEqual(["runs version 17.6; the stack asks for 17.10 or newer"]);
  });

  it("counts whole days until a certificate ends", () => {
    const noon = Date.parse("2028-11-20T12:00:00Z");
    expect(daysLeft("Nov 21 11:59:59 2028 GMT", noon)).toBe(0);
    expect(daysLeft("Dec 20 12:00:00 2028 GMT", noon)).toBe(30);
    expect(daysLeft("Nov 20 11:15:11 2028 GMT", noon)).toBe(-1);
    expect(daysLeft("", noon)).toBeUndefined();
  });

  it("names all faults at once", () => {
    expect(evaluate({ ...good, tlsProtocol: "", workingAs: "postgres" }, expected)).toHaveLength(2);
  });

  it.each([
    ["17.6 (Debian 17.6-0+deb13u1)", "17.6"],
    ["11.8.3-MariaDB-0+deb13u1 from Debian", "11.8.3"],
    ["8.0.2", "8.0.2"],
    ["devel", "devel"],
  ])("shortens the version %s to %s", (version, short) => {
    expect(shortVersion(version)).toBe(short);
  });
});

describe("checkAll", () => {
  it("tells how long the certificate that was shown still lives", async () => {
    const clock = () => Date.parse("2028-11-10T11:15:11Z");
    const [result] = await checkAll(
      [target()],
      options(async () => session(), { clock }),
    );
    expect(result).toMatchObject({ reachable: true, certificateDaysLeft: 10 });
  });

  it("keeps the order of the targets, whichever answers first", async () => {
    const connect: Connect = async ({ name }) => {
      await sleep(name === "first" ? 20 : 0);
      return session();
    };
    const results = await checkAll([target({ name: "first" }), target({ name: "second" })], options(connect));
    expect(results.map(({ name }) => name)).toEqual(["first", "second"]);
    expect(results[0]).toMatchObject({ reachable: true, version: "17.6", tlsProtocol: "TLSv1.3" });
  });

  it("measures the login apart from the queries, whose median it gives", async () => {
    let clock = 1_000;
    const pings = [2, 90, 4];
    const connect: Connect = async () => {
      clock += 120;
      return {
        ...session(),
        facts: async () => {
          clock += 500;
          return good;
        },
        ping: async () => {
          clock += pings.shift() ?? 0;
        },
      };
    };
    const [result] = await checkAll([target()], options(connect, { now: () => clock }));
    expect(result).toMatchObject({ loginMs: 120, latencyMs: 4 });
  });

  it("fails a session that is not what was declared, and still shows what it measured", async () => {
    const [result] = await checkAll(
      [target()],
      options(async () => session({ workingAs: "svc_idp_a" })),
    );
    expect(result).toMatchObject({
      reachable: false,
      version: "17.6",
      reason: "works as svc_idp_a, not as svc_idp",
    });
  });

  it("goes on after a failure, and takes the password out of its reason", async () => {
    const connect: Connect = async ({ name, password }) => {
      if (name === "broken") throw new Error(`login refused\nfor ${password}`);
      return session();
    };
    const results = await checkAll([target({ name: "broken" }), target()], options(connect));
    expect(results.map(({ reachable }) => reachable)).toEqual([false, true]);
    expect(results[0]?.reason).toBe("login refused; for ***");
    expect(JSON.stringify(results)).not.toContain("canary-password");
  });

  it("counts what is declared but has no login as unreachable", async () => {
    const missing = { kind: "database", name: "ncy8", server: "postgres", engine: "postgres" } as const;
    const [result] = await checkAll(
      [missing],
      options(async () => session()),
    );
    expect(result).toMatchObject({
      reachable: false,
      reason: expect.stringContaining("not in the stack's outputs"),
    });
  });

  it("never has more logins open than asked for, and does use them", async () => {
    let open = 0;
    let most = 0;
    const connect: Connect = async () => {
      most = Math.max(most, ++open);
      await sleep(5);
      return { ...session(), close: async () => void open-- };
    };
    const seen: string[] = [];
    const targets = Array.from({ length: 12 }, (_, index) => target({ name: `db${index}` }));
    await checkAll(
      targets,
      options(connect, { parallel: 3, onResult: ({ name }: { name: string }) => seen.push(name) }),
    );
    expect(most).toBe(3);
    expect(seen.sort()).toEqual(targets.map(({ name }) => name).sort());
  });

  it("closes a session that opens after the time is up, and asks it nothing", async () => {
    let closed = false;
    let asked = false;
    let release = () => {};
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const close = async () => {
      closed = true;
    };
    const connect: Connect = async () => {
      await late;
      const facts = async () => {
        asked = true;
        return good;
      };
      return { ...session(), facts, close };
    };
    const [result] = await checkAll([target()], options(connect, { timeoutMs: 30 }));
    expect(result).toMatchObject({ reachable: false, reason: "no answer within 0.03 s while logging in" });
    release();
    await sleep(5);
    expect(closed).toBe(true);
    expect(asked).toBe(false);
    expect(result?.loginMs).toBeUndefined();
  });

  it("says at which step a server fell silent", async () => {
    const connect: Connect = async () => ({ ...session(), ping: () => new Promise(() => {}) });
    const [result] = await checkAll([target()], options(connect, { timeoutMs: 30 }));
    expect(result?.reason).toBe("no answer within 0.03 s while measuring");
  });
});

describe("exit code", () => {
  it("is 0 only when everything is reachable", () => {
    expect(exitCodeFor([reach(), reach()])).toBe(EXIT.done);
    expect(exitCodeFor([reach(), reach({ reachable: false })])).toBe(EXIT.failed);
  });

  it("is 'could not tell' when nothing was checked", () => {
    expect(exitCodeFor([])).toBe(EXIT.unknown);
  });
});
