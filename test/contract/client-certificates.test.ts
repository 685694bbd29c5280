import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MariadbServer } from "../../connect/mariadb-server";
import { clientAuthorityName } from "../../estate/client-certificates";
import { type Identity, issueAuthority, issueClient } from "../../provider/kinds/client/issue";
import { probeAccount } from "../../provider/kinds/mariadb/probe";
import type { Properties } from "../../provider/wire/kind";
import { CERTIFIED, type Certified, newPassword, type Service, type Shown } from "../support/certified";

const minutes = 60_000;
const HOUR = 3_600_000;
const now = { from: Date.now() - HOUR, until: Date.now() + 24 * HOUR };

const pem = ({ privateKey, certificate }: Identity) => privateKey + certificate;

/** What a server says, and the TLS under it; each engine's in one form. */
const REFUSALS = {
  "no certificate": /Access denied|connection requires a valid client certificate/,
  "another password": /Access denied|password authentication failed/,
  // PostgreSQL does not tell it from a wrong password, nor MariaDB anything from anything.
  "another's certificate": /Access denied|password authentication failed/,
  "an unknown authority": /alert unknown ca.*does not take the login's own certificate/s,
  "its end": /alert certificate expired.*does not take the login's own certificate/s,
};

/** One contract, every engine: what a service logs in with is a password and the certificate of its own login. */
describe.each(Object.entries(CERTIFIED))(
  "client certificates on %s",
  { timeout: 5 * minutes },
  (name, start) => {
    let on: Certified;
    let one: Shown;
    let state: Properties;

    const made = async (service: Service, use: "optional" | "required" | undefined) => {
      const { state } = await on.kind.create(on.call, on.declare(service, newPassword(), use));
      return state as Properties;
    };
    /** The next password, as the program writes it: with the certificate that it has then. */
    const changed = async (use: "optional" | "required" | undefined, password = newPassword()) => {
      const inputs = on.declare("svc_one", password, use);
      state = await on.kind.update(on.call, "svc_one", { inputs: state, state }, inputs);
      one = on.shownBy(state, "svc_one");
    };
    const refused = (shown: Shown, why: keyof typeof REFUSALS) =>
      expect(on.login(shown)).rejects.toThrow(REFUSALS[why]);
    /** The authority of a service, as its state has it. */
    const authorityOf = (service: Service): Identity => {
      const { authorities, authorityKey } = on.issued[service].state;
      return { certificate: authorities[0] ?? "", privateKey: authorityKey };
    };

    beforeAll(async () => {
      on = await start();
    }, 5 * minutes);
    afterAll(() => on?.stop(), minutes);

    beforeEach(async () => {
      await on.ask({ svc_one: "required" });
      state = await made("svc_one", "required");
      one = on.shownBy(state, "svc_one");
    });

    test("password and certificate together open the service's database", () => on.login(one));

    test("a password alone opens nothing", () =>
      refused({ ...one, clientCertificate: undefined }, "no certificate"));

    test("a certificate alone opens nothing", () =>
      refused({ ...one, password: newPassword() }, "another password"));

    test("the certificate of another service of the same server opens nothing", async () => {
      const certificates = Object.values(on.issued.svc_two.state.certificates);
      expect(certificates.length).toBeGreaterThan(0);
      for (const clientCertificate of certificates)
        await refused({ ...one, clientCertificate }, "another's certificate");
    });

    test("one of the right name, and its authority's too, that a stranger signed opens nothing", async () => {
      const stranger = await issueAuthority(clientAuthorityName("svc_one"), now);
      const clientCertificate = pem(await issueClient(stranger, one.user, now));
      await refused({ ...one, clientCertificate }, "an unknown authority");
    });

    test("one that has ended opens nothing", async () => {
      const ended = { from: now.from - 48 * HOUR, until: now.from };
      const own = await issueClient(authorityOf("svc_one"), one.user, ended);
      await refused({ ...one, clientCertificate: pem(own) }, "its end");
      // For its age alone.
      await on.login({
        ...one,
        clientCertificate: pem(await issueClient(authorityOf("svc_one"), one.user, now)),
      });
    });

    test("a service without one logs in as before, on the same server", async () => {
      const two = on.shownBy(await made("svc_two", undefined), "svc_two");
      await on.login({ ...two, clientCertificate: undefined });
    });

    test("a rotation: what was published before goes on logging in, and so does what is published now", async () => {
      const before = one;
      await on.rotate("svc_one", false);
      await changed("required");
      expect(one.clientCertificate).not.toBe(before.clientCertificate);
      await on.login(one);
      await on.login(before);
      // Two secrets are never written at once: where the login is the same, each goes with the other's former one.
      if (one.user === before.user) {
        await on.login({ ...one, clientCertificate: before.clientCertificate });
        await on.login({ ...before, clientCertificate: one.clientCertificate });
      } else await refused({ ...one, clientCertificate: before.clientCertificate }, "another's certificate");
    });

    test("a renewal between two rotations leaves the password and both certificates as they are", async () => {
      const before = one;
      await on.rotate("svc_one", false);
      await changed("required", one.password);
      expect(one).toEqual({ ...before, clientCertificate: one.clientCertificate });
      expect(one.clientCertificate).not.toBe(before.clientCertificate);
      await on.login(one);
      await on.login(before);
    });

    test("after a leak no certificate of before opens anything, the new password beside it", async () => {
      const before = { ...on.issued.svc_one.state.certificates };
      await on.rotate("svc_one", true);
      await changed("required");
      await on.login(one);
      await refused({ ...one, clientCertificate: before[one.user] }, "an unknown authority");
    });

    test("from none to optional to required and back: each step converges, and each lets in whom it should", async () => {
      const bare = () => ({ ...one, clientCertificate: undefined });
      const settled = async () => {
        const again = await on.kind.read(on.call, String(idOf(state)), { inputs: state, state });
        expect(again?.state).toEqual(state);
      };
      for (const use of [undefined, "optional", "required", "optional", undefined] as const) {
        await on.ask({ svc_one: use });
        await changed(use, one.password);
        await settled();
        await on.login(one);
        if (use === "required") await refused(bare(), "no certificate");
        else await on.login(bare());
      }
    });

    test("a new one that the server does not trust is not published", async () => {
      const others = on.issued.svc_two.state.authorities;
      await on.rotate("svc_one", true);
      await on.trust(others);
      await expect(changed("required")).rejects.toThrow(/the new password was written, but/);
      await on.trust([...others, ...on.issued.svc_one.state.authorities]);
      await changed("required");
      await on.login(one);
    });

    if (name.startsWith("MariaDB")) {
      test("an account that does not ask for it is found out", async () => {
        await changed("optional");
        const { user, host, require, clientCertificate } = on.declare("svc_one", one.password, "required");
        const account = { user, host, require, clientCertificate } as unknown as Parameters<
          typeof probeAccount
        >[1];
        const server = on.call.config.mariadb as MariadbServer;
        await expect(probeAccount(server, account, one.password, "mo_x")).rejects.toThrow(
          /it logs in without its certificate/,
        );
      });

      test("the authority of another service signs for that one alone", async () => {
        const signed = await issueClient(authorityOf("svc_two"), one.user, now);
        await refused({ ...one, clientCertificate: pem(signed) }, "another's certificate");
      });
    } else {
      test("a server that does not ask for it is found out", async () => {
        await on.ask({});
        await expect(changed("required")).rejects.toThrow(/it logs in without its certificate/);
      });
    }
  },
);

const idOf = ({ user, host, worksAs }: Properties) =>
  user === undefined ? worksAs : `${String(user)}@${String(host)}`;
