import { describe, expect, it } from "vitest";
import { MariadbError } from "../../../connect/mariadb";
import type { Target } from "../../../ops/reach/targets";
import { Load } from "../../support/load/load";

/** A server that knows some passwords, and what is published of them. */
function server() {
  const login = (password: string) => new Map([["mo_crm", { password } as Target]]);
  const at = { valid: ["first"], published: "first", alive: true, answers: true };
  const load = new Load(login("first"), async () => login(at.published), {
    async open({ password }) {
      if (!at.valid.includes(password)) throw new MariadbError(`${password} is refused`, 1045);
      return {
        alive: () => at.alive,
        async query() {
          if (!at.answers) throw new Error("no answer");
        },
        close: async () => undefined,
      };
    },
    pauseMs: { pooled: 1, fresh: 1 },
    sessionLifeMs: 2,
  });
  load.start();
  const works = () => load.reached(load.queries + 50, 5_000);
  return { at, load, works };
}

describe("the load of a rotation", () => {
  it("goes on through one in which both passwords are valid for a while", async () => {
    const { at, load, works } = server();
    await works();
    Object.assign(at, { valid: ["first", "second"], published: "second" });
    await works();
    await load.deploy();
    await works();
    at.valid = ["second"];
    await load.allReadAgain(5_000);
    const { failures, readAgain, queries } = await load.stop();
    expect(failures).toEqual([]);
    expect([...readAgain].sort()).toEqual(["mo_crm, fresh, on refusal", "mo_crm, pooled, on refusal"]);
    expect(queries).toBeGreaterThan(150);
  });

  it("fails where an old password is retired before the deploy", async () => {
    const { at, load, works } = server();
    await works();
    Object.assign(at, { valid: ["second"], published: "second" });
    await works();
    const failed = new Set((await load.stop()).failures);
    expect([...failed].sort()).toEqual([
      "mo_crm, fresh, at deploy: first is refused",
      "mo_crm, pooled, at deploy: first is refused",
    ]);
  });

  it("fails where one is valid that is not published", async () => {
    const { at, load, works } = server();
    await works();
    at.valid = [];
    await load.allReadAgain(50);
    const failed = (await load.stop()).failures;
    expect(failed).toContain("mo_crm, fresh, on refusal: first is refused");
  });

  it("tells of a session that was lost, and of a query without an answer", async () => {
    const { at, load, works } = server();
    await works();
    at.alive = false;
    await works();
    at.alive = true;
    at.answers = false;
    await load.allReadAgain(50);
    const { failures, lost } = await load.stop();
    expect(lost).toContain("mo_crm, pooled, on refusal");
    expect(failures).toContain("mo_crm, pooled, at deploy: no answer");
  });
});
