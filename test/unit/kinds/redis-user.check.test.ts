import { expect, test } from "vitest";
import { redisUser } from "../../../provider/kinds/redis-user";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";

const password = "p".repeat(32);
const good = {
  user: "svc_crm",
  passwords: [password],
  keys: ["crm:*"],
  channels: ["crm.*"],
  commands: "-@all +@read +@write -@dangerous",
} satisfies Properties;

const check = (news: Properties) => redisUser.check(news, undefined, { urn: "" });

test("a good user has no faults, gets its defaults, and passes again", () => {
  const { inputs, failures } = check({
    ...good,
    keys: ["b:*", "a:*"],
    channels: null,
    commands: " -@all  +GET",
  });
  expect(failures).toEqual([]);
  expect(inputs).toEqual({
    ...good,
    port: null,
    keys: ["a:*", "b:*"],
    channels: [],
    commands: "-@all +get",
    formerPassword: "refuse",
    clientCertificate: null,
    requireClientCertificate: null,
    enabled: true,
    selectors: [],
  });
  expect(check(inputs)).toEqual({ inputs, failures: [] });
});

test("a certificate goes with the demand for it, and without a demand it is null as before there were any", () => {
  const clientCertificate = "-----BEGIN PRIVATE KEY-----";
  const required = check({ ...good, clientCertificate, requireClientCertificate: true });
  expect(required.failures).toEqual([]);
  expect(check(required.inputs)).toEqual(required);
  const optional = check({ ...good, clientCertificate, requireClientCertificate: false });
  expect(optional.inputs.requireClientCertificate).toBeNull();
  expect(check({ ...good, clientCertificate: UNKNOWN, requireClientCertificate: true }).failures).toEqual([]);
});

test("what is not known in a preview has no fault", () => {
  const unknown: Properties = Object.fromEntries<typeof UNKNOWN>(
    Object.keys(good).map((key) => [key, UNKNOWN]),
  );
  expect(check(unknown).failures).toEqual([]);
  expect(check({ ...good, passwords: [UNKNOWN], keys: [UNKNOWN] }).failures).toEqual([]);
});

test.each([
  "+@all -@admin -@dangerous",
  "+@all -@dangerous +info",
  "+get +config|get",
])("%s is accepted", (commands) => {
  expect(check({ ...good, commands }).failures).toEqual([]);
});

test.each<[string, Properties, RegExp]>([
  ["an unknown property", { ...good, key: "x" }, /^key is no property of a Redis user/],
  ["a user that is off", { ...good, enabled: false }, /^enabled is no property/],
  [
    "a demand without a certificate",
    { ...good, requireClientCertificate: true },
    /^clientCertificate is missing/,
  ],
  [
    "a demand in words",
    { ...good, requireClientCertificate: "yes" },
    /^requireClientCertificate is "yes"\. Use/,
  ],
  ["no certificate", { ...good, clientCertificate: "canary" }, /^clientCertificate is no PEM text of [^:]*$/],
  ["no user", { ...good, user: "" }, /^user is ""\. Use letters/],
  ["a user with a space", { ...good, user: "a b" }, /^user is "a b"\. Use letters/],
  ["the default user", { ...good, user: "default" }, /^user is "default", whom every client is/],
  ["no password", { ...good, passwords: [] }, /^passwords holds 0 passwords/],
  ["three passwords", { ...good, passwords: ["a", "b", "c"] }, /^passwords holds 3 passwords/],
  ["a short password", { ...good, passwords: ["p".repeat(31)] }, /^passwords\[0\] is 31 characters long/],
  ["the same password twice", { ...good, passwords: [password, password] }, /^passwords\[1\] is the same/],
  ["no keys", { ...good, keys: [] }, /^keys is \[\]\. List the service's patterns/],
  ["all keys", { ...good, keys: ["*"] }, /^keys\[0\] is "\*", which matches keys of other services/],
  ["all keys by another pattern", { ...good, keys: ["[a-z]*"] }, /which matches keys of other services/],
  ["allkeys", { ...good, keys: ["allkeys"] }, /which matches keys of other services/],
  ["a pattern with its mark", { ...good, keys: ["~crm:*"] }, /Leave the mark "~" out/],
  ["two patterns in one", { ...good, keys: ["a:* b:*"] }, /has no white space/],
  ["a pattern twice", { ...good, keys: ["a:*", "a:*"] }, /^keys\[1\] is "a:\*" once more/],
  [
    "all channels",
    { ...good, channels: ["*"] },
    /^channels\[0\] is "\*", which matches channels of other services/,
  ],
  ["no commands", { ...good, commands: "" }, /^commands is ""\. Give rules/],
  ["every command", { ...good, commands: "+@all" }, /without taking -@dangerous away after it/],
  [
    "every command in the end",
    { ...good, commands: "-@dangerous +@all" },
    /without taking -@dangerous away after it/,
  ],
  [
    "every command but admin's",
    { ...good, commands: "+@all -@admin" },
    /without taking -@dangerous away after it/,
  ],
  ["allcommands", { ...good, commands: "allcommands" }, /holds "allcommands"\. Each rule is/],
  ["nopass", { ...good, commands: "+get nopass" }, /holds "nopass"\. Each rule is/],
  ["keys among the commands", { ...good, commands: "+get ~*" }, /holds "~\*"\. Each rule is/],
  ["a password among the commands", { ...good, commands: "+get >x" }, /holds ">x"\. Each rule is/],
  ["a selector", { ...good, commands: "(+@all" }, /holds "\(\+@all"\. Each rule is/],
  ["admin commands", { ...good, commands: "-@all +@admin" }, /holds "\+@admin", which rules the server/],
  [
    "a command that rules the server",
    { ...good, commands: "+get +CONFIG" },
    /holds "\+config", which rules the server/,
  ],
])("%s is refused", (_what, news, message) => {
  const found = check(news).failures.map(({ property, reason }) => `${property} ${reason}`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});

test("all faults come at once, and no password is in any", () => {
  const { failures } = check({
    user: "",
    passwords: ["short secret"],
    keys: ["*"],
    commands: "+@all nopass",
  });
  expect(failures.map(({ property }) => property)).toEqual([
    "user",
    "passwords[0]",
    "keys[0]",
    "commands",
    "commands",
  ]);
  expect(JSON.stringify(failures)).not.toContain("short secret");
});
