import { expect, it } from "vitest";
import { renderTimes, timesOf } from "../../support/load/times";

const output = `
 ++ random:index:RandomPassword mo_crm-password creating replacement (0s) [diff: ~keepers]
 ++ random:index:RandomPassword mo_crm-password created replacement (0.01s) [diff: ~keepers]
 +- random:index:RandomPassword mo_crm-password replaced (0.00s) [diff: ~keepers]
 ~  estate:mariadb:Account mo_crm-account updating (0s) [diff: ~passwords]
 ~  estate:mariadb:Account mo_crm-account updated (0.31s) [diff: ~passwords]
 ~  estate:github:EnvironmentSecret mo_crm-password-secret updated (0.20s) [diff: ~value]
 ~  estate:github:EnvironmentSecret mo_crm-url-secret updated (0.15s) [diff: ~value]
 ~  estate:redis:User redis-svc_crm-user updated (0.22s) [diff: ~password]
 -- random:index:RandomPassword mo_crm-password deleted original (0.02s) [diff: ~keepers]
`;

it("the seconds of a service's steps are those that `up` printed; without a published secret it was not rotated", () => {
  const times = timesOf(output, ["mo_crm", "mo_n8n", "svc_crm"]);
  expect([...times.keys()]).toEqual(["mo_crm"]);
  const { password, verifier, published } = times.get("mo_crm") ?? {};
  expect([password, verifier, published].map((each) => each?.toFixed(2))).toEqual(["0.01", "0.31", "0.35"]);
  expect(renderTimes(times)).toMatch(/^mo_crm +mariadb +0\.01 +0\.31 +0\.35 +0\.67$/m);
});
