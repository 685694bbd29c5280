import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificateIn } from "../../../estate/client-certificates";
import { clientCertificate } from "../../../provider/kinds/client-certificate";
import { type Call, type Properties, UNKNOWN } from "../../../provider/wire/kind";

const run = promisify(execFile);
const day = 86_400_000;
const call: Call<unknown> = { config: {}, urn: "urn", signal: new AbortController().signal };

let clock = Date.now();
const kind = clientCertificate(() => clock);
type Inputs = Parameters<typeof kind.create>[1];
type State = Awaited<ReturnType<typeof kind.create>>["state"];

const declared = (changes: Properties = {}): Inputs => {
  const news = { service: "svc_idp", logins: ["svc_idp_a", "svc_idp_b"], generation: 1, ...changes };
  const { inputs, failures } = kind.check(news, undefined, { urn: "" });
  expect(failures).toEqual([]);
  return inputs as unknown as Inputs;
};
const create = async () => (await kind.create(call, declared())).state;
/** What an engine keeps: its inputs are those that were declared. */
const kept = (state: State) => {
  const { authorities, authorityKey, authorityNotAfter, certificates, notAfter, ...inputs } = state;
  return { id: "svc_idp", inputs, state };
};
const changes = (state: State, news = declared()) =>
  kind.diff?.(kept(state), news as unknown as Properties).map(({ path }) => path) ?? [];
const update = (state: State, news = declared()) => kind.update(call, "svc_idp", kept(state), news);
const foreseen = (state: State, news: Inputs) => kind.foresee?.(kept(state), news as unknown as Properties);
const shown = (state: State, login: string) =>
  certificateIn(state.certificates[login] ?? "") as X509Certificate;
const authority = (state: State) => new X509Certificate(state.authorities[0] ?? "");
const at = async <T>(moment: number, work: () => Promise<T> | T): Promise<T> => {
  const before = clock;
  clock = moment;
  try {
    return await work();
  } finally {
    clock = before;
  }
};

describe("what is issued", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "issued-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const verify = async (state: State, login: string, purpose: string) => {
    await writeFile(join(directory, "ca.crt"), state.authorities.join(""));
    await writeFile(join(directory, "it.pem"), state.certificates[login] ?? "");
    const files = ["-CAfile", join(directory, "ca.crt"), join(directory, "it.pem")];
    return run("openssl", ["verify", "-x509_strict", "-purpose", purpose, ...files]);
  };

  test("is a certificate for each login, with a key of its own, signed by an authority of the service alone", async () => {
    const state = await create();
    for (const login of ["svc_idp_a", "svc_idp_b"]) {
      expect(shown(state, login).subject).toBe(`CN=${login}`);
      expect(shown(state, login).issuer).toBe("CN=clients of svc_idp");
      expect(shown(state, login).verify(authority(state).publicKey)).toBe(true);
      await verify(state, login, "sslclient");
    }
    expect(new Set(Object.values(state.certificates)).size).toBe(2);
    expect((await create()).authorities).not.toEqual(state.authorities);
  });

  test("proves a client, and no server", async () => {
    await expect(verify(await create(), "svc_idp_a", "sslserver")).rejects.toThrow(
      /unsuitable certificate purpose/,
    );
  });

  test("signs for logins and for no further authority", async () => {
    const state = await create();
    expect(authority(state).ca).toBe(true);
    expect(shown(state, "svc_idp_a").ca).toBe(false);
    await writeFile(join(directory, "ca.crt"), state.authorities.join(""));
    const text = await run("openssl", [
      "x509",
      "-in",
      join(directory, "ca.crt"),
      "-noout",
      "-ext",
      "basicConstraints",
    ]);
    expect(text.stdout).toContain("pathlen:0");
  });

  test("has the name as OpenSSL writes it, which an account on MariaDB names", async () => {
    const state = await create();
    await writeFile(join(directory, "it.pem"), state.certificates.svc_idp_a ?? "");
    const names = ["-noout", "-subject", "-issuer", "-nameopt", "compat"];
    const { stdout } = await run("openssl", ["x509", "-in", join(directory, "it.pem"), ...names]);
    expect(stdout).toContain("subject=/CN=svc_idp_a");
    expect(stdout).toContain("issuer=/CN=clients of svc_idp");
  });
});

describe("how long it lasts", () => {
  test("200 days, longer than two rotations; its authority ten years", async () => {
    const state = await create();
    expect(Math.round((Date.parse(state.notAfter) - clock) / day)).toBe(200);
    expect(Math.round((Date.parse(state.authorityNotAfter) - clock) / day)).toBe(3650);
  });

  test("it is renewed from the day it is due on, not one before; the authority stays", async () => {
    const state = await create();
    const due = Date.parse(state.notAfter) - 60 * day;
    expect(await at(due - 1, () => changes(state))).toEqual([]);
    expect(await at(due, () => changes(state))).toEqual(["notAfter"]);
    const renewed = await at(due, () => update(state));
    expect(renewed.certificates).not.toEqual(state.certificates);
    expect(renewed.authorities).toEqual(state.authorities);
    expect(await at(due, () => changes(renewed))).toEqual([]);
  });

  test("an authority that ends is followed by another, and both are trusted until the first has ended", async () => {
    const state = await create();
    const due = Date.parse(state.authorityNotAfter) - 60 * day;
    expect(await at(due, () => changes(state))).toContain("authorityNotAfter");
    const renewed = await at(due, () => update(state));
    expect(renewed.authorities).toHaveLength(2);
    expect(renewed.authorities[1]).toBe(state.authorities[0]);
    expect(shown(renewed, "svc_idp_a").verify(authority(renewed).publicKey)).toBe(true);
    const after = Date.parse(state.authorityNotAfter) + day;
    const later = await at(after, () => update(renewed, declared({ generation: 2 })));
    expect(later.authorities).toEqual([renewed.authorities[0]]);
  });
});

describe("a rotation", () => {
  test("makes other certificates under the same authority, which a preview knows", async () => {
    const state = await create();
    const next = declared({ generation: 2 });
    expect(changes(state, next)).toEqual(["generation"]);
    expect(foreseen(state, next)).toMatchObject({ authorities: state.authorities });
    const rotated = await update(state, next);
    expect(rotated.authorities).toEqual(state.authorities);
    expect(rotated.certificates.svc_idp_a).not.toBe(state.certificates.svc_idp_a);
    expect(changes(rotated, next)).toEqual([]);
  });

  test("after a leak makes another authority, and the one before is trusted no more; once", async () => {
    const state = await create();
    const leak = declared({ generation: 2, leaked: true });
    expect(foreseen(state, leak)).toEqual({});
    const rotated = await update(state, leak);
    expect(rotated.authorities).toHaveLength(1);
    expect(rotated.authorities).not.toEqual(state.authorities);
    // A renewal in the generation that began with the leak is none.
    const due = Date.parse(rotated.notAfter) - 60 * day;
    expect((await at(due, () => update(rotated, leak))).authorities).toEqual(rotated.authorities);
    expect((await update(rotated, declared({ generation: 3 }))).authorities).toEqual(rotated.authorities);
  });

  test("that is not known yet in a preview foresees nothing", async () => {
    const news = { ...declared(), generation: UNKNOWN } as unknown as Inputs;
    expect(foreseen(await create(), news)).toEqual({});
  });
});

describe("a state that somebody changed", () => {
  const read = async (state: State) => (await kind.read(call, "svc_idp", kept(state)))?.state.condition;
  test.each([
    ["has no authority", (s: State) => ({ ...s, authorities: [] }), /no authority/],
    [
      "has another key of the authority",
      (s: State, o: State) => ({ ...s, authorityKey: o.authorityKey }),
      /authority's key/,
    ],
    ["lacks a certificate", (s: State) => ({ ...s, certificates: {} }), /no certificate of svc_idp_a/],
    [
      "has the certificate of another login",
      (s: State) => ({
        ...s,
        certificates: { ...s.certificates, svc_idp_a: s.certificates.svc_idp_b ?? "" },
      }),
      /made out to somebody else/,
    ],
    [
      "has another's certificates",
      (s: State, o: State) => ({ ...s, certificates: o.certificates }),
      /not signed by/,
    ],
    [
      "has a key that is of another certificate",
      (s: State, o: State) => {
        const [key = ""] = (o.certificates.svc_idp_a ?? "").split(/(?=-----BEGIN CERTIFICATE)/);
        const [, own = ""] = (s.certificates.svc_idp_a ?? "").split(/(?=-----BEGIN CERTIFICATE)/);
        return { ...s, certificates: { ...s.certificates, svc_idp_a: key + own } };
      },
      /the key of svc_idp_a/,
    ],
  ])("and that %s is a change of its condition, and made anew", async (_what, change, said) => {
    const state = await create();
    expect(await read(state)).toBe("sound");
    const broken: State = change(state, await create());
    const condition = await read(broken);
    expect(condition).toMatch(said);
    const seen = { ...broken, condition: condition ?? "" };
    expect(changes(seen)).toContain("condition");
    expect(await read(await update(seen))).toBe("sound");
  });

  test("is nowhere but there: it cannot be imported", async () => {
    await expect(kind.read(call, "svc_idp", undefined)).rejects.toThrow(/cannot be imported/);
  });
});

describe("the declaration", () => {
  test("is normalised, and stays so", () => {
    const inputs = declared() as unknown as Properties;
    expect(inputs).toMatchObject({ leaked: false, renewBefore: 60, condition: "sound" });
    expect(kind.check(inputs, inputs, { urn: "" })).toEqual({ inputs, failures: [] });
  });

  test("has every fault named at once", () => {
    const { failures } = kind.check(
      { service: "svc, O=x", logins: [], generation: 0, renewBefore: 400, colour: "red" },
      undefined,
      { urn: "" },
    );
    expect(failures.map(({ property }) => property).sort()).toEqual([
      "colour",
      "generation",
      "logins",
      "renewBefore",
      "service",
    ]);
  });

  test("keys and certificates are secrets, whatever a program says", () => {
    expect(kind.secretOutputs).toEqual(["authorityKey", "certificates"]);
  });
});
