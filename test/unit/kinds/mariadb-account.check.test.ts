import { expect, test } from "vitest";
import { mariadbAccount } from "../../../provider/kinds/mariadb-account";
import { type Properties, UNKNOWN, type Value } from "../../../provider/wire/kind";

const password = "p".repeat(32);
const good = {
  user: "svc_crm",
  host: "10.0.0.5",
  passwords: [password],
  require: "SSL",
  maxUserConnections: 10,
  grants: [{ database: "mo_crm", privileges: ["SELECT", "INSERT"] }],
} satisfies Properties;

const check = (news: Properties) => mariadbAccount.check(news, undefined, { urn: "" });
const faults = (news: Properties) =>
  check(news).failures.map(({ property, reason }) => `${property} ${reason}`);
const withGrant = (grant: Value): Properties => ({ ...good, grants: [grant] });

test("a good account has no faults and gets its defaults", () => {
  expect(check(good)).toEqual({
    inputs: {
      ...good,
      formerPassword: "refuse",
      probe: null,
      clientCertificate: null,
      locked: false,
      grants: [{ database: "mo_crm", privileges: ["INSERT", "SELECT"] }],
      otherHosts: [],
    },
    failures: [],
  });
});

test("grants and privileges are sorted and named as the server names them; checking twice changes nothing", () => {
  const { inputs } = check({
    ...good,
    grants: [
      { database: "b", privileges: ["update", " delete   versioning rows"] },
      { database: "a", table: "t", privileges: ["SELECT"] },
      { database: "a", table: null, privileges: ["CREATE TEMPORARY TABLES"] },
    ],
  });
  expect(inputs.grants).toEqual([
    { database: "a", privileges: ["CREATE TEMPORARY TABLES"] },
    { database: "a", table: "t", privileges: ["SELECT"] },
    { database: "b", privileges: ["DELETE HISTORY", "UPDATE"] },
  ]);
  expect(check(inputs)).toEqual({ inputs, failures: [] });
});

test("what is not known in a preview has no fault", () => {
  const unknown: Properties = Object.fromEntries<typeof UNKNOWN>(
    Object.keys(good).map((key) => [key, UNKNOWN]),
  );
  expect(check(unknown).failures).toEqual([]);
  expect(check({ ...good, passwords: [UNKNOWN, UNKNOWN] }).failures).toEqual([]);
  const partly = check({
    ...good,
    grants: [{ database: UNKNOWN, privileges: [UNKNOWN, "SELECT"] }, UNKNOWN],
  });
  expect(partly.failures).toEqual([]);
  expect(check(withGrant({ database: UNKNOWN, privileges: ["SUPER"] })).failures).toHaveLength(1);
});

test.each<[string, Properties, RegExp]>([
  [
    "an unknown property",
    { ...good, pasword: "x" },
    /^pasword is no property of an account\. Known are user, /,
  ],
  ["no user", { ...good, user: "" }, /^user is ""\. Name the account/],
  ["a missing user", { ...good, user: null }, /^user is missing\. Name the account/],
  ["a user with a quote", { ...good, user: "svc'crm" }, /^user is "svc'crm"\. Use letters/],
  ["a long user", { ...good, user: "u".repeat(81) }, /^user is 81 characters long\. MariaDB takes 80/],
  [
    "host %",
    { ...good, host: "%" },
    /^host is "%", a wildcard that lets many hosts in\. Name the one address/,
  ],
  ["a host with a wildcard", { ...good, host: "10.0.0.%" }, /^host is "10\.0\.0\.%", a wildcard/],
  [
    "a host with a one-letter wildcard",
    { ...good, host: "web_.example" },
    /^host is "web_\.example", a wildcard/,
  ],
  ["a range of hosts", { ...good, host: "10.0.0.0/255.255.255.0" }, /a range of addresses/],
  [
    "a mistyped address",
    { ...good, host: "10.0.0.256" },
    /^host is "10\.0\.0\.256", no address or host name/,
  ],
  ["any address", { ...good, host: "0.0.0.0" }, /which no service connects from/],
  ["no host", { ...good, host: "" }, /^host is ""\. Name the one address/],
  ["no password", { ...good, passwords: [] }, /^passwords holds 0 passwords\. Give one, or two/],
  ["three passwords", { ...good, passwords: ["a", "b", "c"] }, /^passwords holds 3 passwords/],
  ["one password that is no list", { ...good, passwords: password }, /^passwords is no list/],
  [
    "a short password",
    { ...good, passwords: ["p".repeat(31)] },
    /^passwords\[0\] is 31 characters long\. Use 32 or more/,
  ],
  [
    "the same password twice",
    { ...good, passwords: [password, password] },
    /^passwords\[1\] is the same as passwords\[0\]/,
  ],
  ["REQUIRE NONE", { ...good, require: "NONE" }, /^require is "NONE"\. Use "SSL", "X509"/],
  [
    "a certificate without its issuer",
    { ...good, require: { subject: "/CN=svc_crm" } },
    /^require\.issuer is missing\. Write it as OpenSSL does/,
  ],
  [
    "a name that ends the string",
    { ...good, require: { subject: "/CN=x' OR 'y", issuer: "/CN=clients" } },
    /^require\.subject is/,
  ],
  [
    "a part of a certificate that is none",
    { ...good, require: { subject: "/CN=svc_crm", issuer: "/CN=clients", serial: 1 } },
    /^require is \{/,
  ],
  [
    "a certificate that is required and cannot be tried",
    { ...good, probe: "mo_crm", require: { subject: "/CN=svc_crm", issuer: "/CN=clients" } },
    /^clientCertificate is missing/,
  ],
  [
    "a certificate that is none",
    { ...good, clientCertificate: "svc_crm.pem" },
    /^clientCertificate is no PEM text/,
  ],
  ["no REQUIRE", { ...good, require: null }, /^require is missing/],
  [
    "21 connections",
    { ...good, maxUserConnections: 21 },
    /^maxUserConnections is 21\. Use a whole number from 1 to 20/,
  ],
  ["no limit", { ...good, maxUserConnections: 0 }, /^maxUserConnections is 0/],
  ["half a connection", { ...good, maxUserConnections: 1.5 }, /^maxUserConnections is 1\.5/],
  ["locked as text", { ...good, locked: "yes" }, /^locked is "yes"\. Use true or false/],
  ["another host of any address", { ...good, otherHosts: ["%"] }, /^otherHosts\[0\] is "%", a wildcard/],
  [
    "its own host as another",
    { ...good, otherHosts: ["10.0.0.5"] },
    /^otherHosts\[0\] is "10\.0\.0\.5", this account itself/,
  ],
  ["no list of grants", { ...good, grants: "ALL" }, /^grants is "ALL"\. Give a list/],
  ["a grant that is text", withGrant("SELECT"), /^grants\[0\] is "SELECT"\. Give \{ database/],
  [
    "an unknown part of a grant",
    withGrant({ database: "a", tables: "t", privileges: ["SELECT"] }),
    /^grants\[0\]\.tables is no/,
  ],
  [
    "no database",
    withGrant({ database: "", privileges: ["SELECT"] }),
    /^grants\[0\]\.database is ""\. Name the database/,
  ],
  [
    "every database",
    withGrant({ database: "*", privileges: ["SELECT"] }),
    /^grants\[0\]\.database is "\*": a grant on every/,
  ],
  [
    "a wildcard",
    withGrant({ database: "mo_%", privileges: ["SELECT"] }),
    /"mo_%"\. Wildcards are escaped for you/,
  ],
  [
    "an escaped name",
    withGrant({ database: "mo\\_crm", privileges: ["SELECT"] }),
    /Wildcards are escaped for you/,
  ],
  [
    "the server's own tables",
    withGrant({ database: "mysql", privileges: ["SELECT"] }),
    /"mysql", the server's own/,
  ],
  [
    "no table name",
    withGrant({ database: "a", table: "", privileges: ["SELECT"] }),
    /^grants\[0\]\.table is ""\. Name the table/,
  ],
  [
    "no privileges",
    withGrant({ database: "a", privileges: [] }),
    /^grants\[0\]\.privileges is \[\]\. List at least one/,
  ],
  [
    "ALL",
    withGrant({ database: "a", privileges: ["ALL"] }),
    /^grants\[0\]\.privileges\[0\] is "ALL": list the privileges/,
  ],
  ["GRANT OPTION", withGrant({ database: "a", privileges: ["GRANT OPTION"] }), /must not pass its rights on/],
  [
    "SUPER",
    withGrant({ database: "a", privileges: ["SELECT", "super"] }),
    /^grants\[0\]\.privileges\[1\] is "super": it is a global/,
  ],
  ["FILE", withGrant({ database: "a", privileges: ["FILE"] }), /it is a global privilege/],
  [
    "CONNECTION ADMIN",
    withGrant({ database: "a", privileges: ["CONNECTION ADMIN"] }),
    /it is a global privilege/,
  ],
  [
    "a privilege that is none",
    withGrant({ database: "a", privileges: ["READ"] }),
    /"READ", no privilege on a database\. Valid are .*EXECUTE/,
  ],
  [
    "a privilege that no table has",
    withGrant({ database: "a", table: "t", privileges: ["EXECUTE"] }),
    /no privilege on a table\. Valid are/,
  ],
  [
    "a privilege twice",
    withGrant({ database: "a", privileges: ["SELECT", "select"] }),
    /\[1\] is "select" once more/,
  ],
  [
    "a database twice",
    {
      ...good,
      grants: [
        { database: "a", privileges: ["SELECT"] },
        { database: "a", privileges: ["INSERT"] },
      ],
    },
    /^grants\[1\] is on the same object as grants\[0\]/,
  ],
])("%s is refused", (_what, news, message) => {
  const found = faults(news);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});

test("all faults come at once, and no password is in any", () => {
  const short = "short secret";
  const found = faults({
    user: "",
    host: "%",
    passwords: [short],
    require: "NONE",
    maxUserConnections: 99,
    grants: [{ database: "*", privileges: ["ALL", "SUPER"] }],
  });
  expect(found.map((fault) => fault.split(" ")[0])).toEqual([
    "user",
    "host",
    "passwords[0]",
    "require",
    "maxUserConnections",
    "grants[0].database",
    "grants[0].privileges[0]",
    "grants[0].privileges[1]",
  ]);
  expect(found.join()).not.toContain(short);
});
