import { type CheckFailure, type Properties, UNKNOWN, type Value } from "../../wire/kind";
import { isPort } from "../firewall/check";

const FIELDS = [
  ...["user", "port", "passwords", "formerPassword", "keys", "channels", "commands"],
  ...["clientCertificate", "requireClientCertificate"],
];
const SHORTEST_PASSWORD = 32;

/** Commands that reach beyond the service's own keys: to the server, its users or its copies. */
const SERVER_COMMANDS = new Set(
  (
    "acl bgrewriteaof bgsave cluster config debug failover flushall migrate module monitor psync replicaof save " +
    "shutdown slaveof swapdb sync"
  ).split(" "),
);

type Maybe = Value | undefined;
type Report = (property: string, reason: string) => void;

/** Validates what a program declares for a Redis user, and normalises: sorted patterns, lower-case rules, defaults. */
export function checkUser(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const report: Report = (property, reason) => failures.push({ property, reason });
  for (const [key, value] of Object.entries(news)) {
    if (FIELDS.includes(key) || key.startsWith("__") || isDefault(key, value)) continue;
    report(key, `is no property of a Redis user. Known are ${FIELDS.join(", ")}`);
  }
  checkName(news.user, report);
  const { port = null } = news;
  if (port !== null && port !== UNKNOWN && !isPort(port)) {
    report("port", `is ${show(port)}. Give the port of the instance, for example 6381`);
  }
  checkPasswords(news.passwords, report);
  const { formerPassword = null } = news;
  if (formerPassword !== null && ![UNKNOWN, "keep", "refuse"].includes(formerPassword as string)) {
    report("formerPassword", `is ${show(formerPassword)}. Use "keep", or "refuse" after a leak`);
  }
  checkPatterns("keys", news.keys, report);
  if (news.channels !== undefined && news.channels !== null) checkPatterns("channels", news.channels, report);
  checkCommands(news.commands, report);
  checkCertificate(news, report);
  if (failures.length > 0) return { inputs: news, failures };
  const inputs: Properties = {
    ...news,
    port,
    formerPassword: formerPassword ?? "refuse",
    keys: sorted(news.keys),
    channels: sorted(news.channels ?? []),
    commands: typeof news.commands === "string" ? rules(news.commands).join(" ") : (news.commands ?? ""),
    clientCertificate: news.clientCertificate ?? null,
    // Not asked for is null: a state from before there were certificates differs in nothing.
    requireClientCertificate: news.requireClientCertificate || null,
    enabled: true,
    selectors: [],
  };
  return { inputs, failures };
}

/** What this check itself adds; its own result has to pass it again. */
function isDefault(key: string, value: Value): boolean {
  return (
    (key === "enabled" && value === true) || (key === "selectors" && isArray(value) && value.length === 0)
  );
}

function checkName(user: Maybe, report: Report): void {
  if (user === UNKNOWN) return;
  if (typeof user !== "string" || !/^[A-Za-z0-9_.-]+$/.test(user)) {
    report("user", `is ${show(user)}. Use letters, digits, "_", "." and "-", for example svc_crm`);
  } else if (user === "default") {
    report(
      "user",
      'is "default", whom every client is that does not log in. Name a user of its own for the service',
    );
  }
}

function checkPasswords(passwords: Maybe, report: Report): void {
  if (passwords === UNKNOWN) return;
  if (!isArray(passwords) || passwords.length < 1 || passwords.length > 2) {
    const count = isArray(passwords) ? `holds ${passwords.length} passwords` : "is no list";
    report("passwords", `${count}. Give one, or two while a rotation is under way, the newest first`);
    return;
  }
  passwords.forEach((password, at) => {
    if (password === UNKNOWN) return;
    if (typeof password !== "string") report(`passwords[${at}]`, "is no string");
    else if (password.length < SHORTEST_PASSWORD) {
      const length = `is ${password.length} characters long`;
      report(`passwords[${at}]`, `${length}. Use ${SHORTEST_PASSWORD} or more, generated at random`);
    }
  });
  if (typeof passwords[0] === "string" && passwords[0] === passwords[1]) {
    report("passwords[1]", "is the same as passwords[0]. Give each generation its own, or one password only");
  }
}

function checkPatterns(field: "keys" | "channels", patterns: Maybe, report: Report): void {
  if (patterns === UNKNOWN) return;
  const example = field === "keys" ? "crm:*" : "crm.events.*";
  if (!isArray(patterns) || (field === "keys" && patterns.length === 0)) {
    report(field, `is ${show(patterns)}. List the service's patterns, for example ["${example}"]`);
    return;
  }
  patterns.forEach((pattern, at) => {
    const path = `${field}[${at}]`;
    if (pattern === UNKNOWN) return;
    if (typeof pattern !== "string" || pattern === "") {
      report(path, `is ${show(pattern)}. Give a pattern, for example ${example}`);
    } else if (/^[~&%]/.test(pattern)) {
      report(path, `is ${show(pattern)}. Leave the mark "${pattern[0]}" out, for example ${example}`);
    } else if (/\s/.test(pattern)) {
      report(path, `is ${show(pattern)}. A pattern has no white space; list each on its own`);
    } else if (/^[*?[\\]/.test(pattern) || /^all(keys|channels)$/i.test(pattern)) {
      const whose = `matches ${field} of other services`;
      report(
        path,
        `is ${show(pattern)}, which ${whose}. Begin with the service's own prefix, for example ${example}`,
      );
    } else if (patterns.indexOf(pattern) < at) report(path, `is ${show(pattern)} once more. Remove it`);
  });
}

function checkCommands(commands: Maybe, report: Report): void {
  if (commands === UNKNOWN) return;
  if (typeof commands !== "string" || rules(commands).length === 0) {
    report("commands", `is ${show(commands)}. Give rules, for example "-@all +@read +@write -@dangerous"`);
    return;
  }
  const list = rules(commands);
  const faulty = list.filter((rule) => !/^[+-](@?[a-z][a-z0-9_.-]*)(\|[a-z0-9_-]+)?$/.test(rule));
  for (const rule of faulty) {
    const fix =
      "Each rule is +command, -command, +@category or -@category; passwords, keys and channels have fields of their own";
    report("commands", `holds ${show(rule)}. ${fix}`);
  }
  const all = list.lastIndexOf("+@all");
  if (all >= 0 && !list.slice(all).includes("-@dangerous")) {
    // @dangerous holds all of @admin, so that alone would do for both.
    report("commands", "gives +@all without taking -@dangerous away after it. Append -@admin -@dangerous");
  }
  for (const rule of list) {
    const category = rule === "+@admin" || rule === "+@dangerous";
    if (category || (rule.startsWith("+") && SERVER_COMMANDS.has(rule.slice(1)))) {
      report("commands", `holds ${show(rule)}, which rules the server and not the service's keys. Remove it`);
    }
  }
}

function checkCertificate(
  { clientCertificate = null, requireClientCertificate = null }: Properties,
  report: Report,
): void {
  if (clientCertificate !== null && clientCertificate !== UNKNOWN) {
    // No value: it holds a private key.
    if (typeof clientCertificate !== "string" || !/^-----BEGIN /.test(clientCertificate))
      report("clientCertificate", "is no PEM text of a private key and its certificate");
  }
  if (![null, UNKNOWN, true, false].includes(requireClientCertificate as null))
    report("requireClientCertificate", `is ${show(requireClientCertificate)}. Use true or false`);
  else if (requireClientCertificate === true && clientCertificate === null)
    report("clientCertificate", "is missing: without it a new password cannot be tried");
}

/** Rules in order, in lower case as the server writes them. */
function rules(commands: string): string[] {
  return commands.toLowerCase().split(/\s+/).filter(Boolean);
}

function sorted(values: Maybe): Value {
  if (!isArray(values)) return values ?? [];
  return values.includes(UNKNOWN) ? values : [...values].sort();
}

function isArray(value: Maybe): value is readonly Value[] {
  return Array.isArray(value);
}

function show(value: Maybe): string {
  if (value === undefined || value === null) return "missing";
  return typeof value === "symbol" ? "unknown" : JSON.stringify(value);
}
