import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Policy } from "@pulumi/policy";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { rules } from "../../../policy/rules";

const root = join(__dirname, "../../..");
const text = (path: string) => readFileSync(join(root, path), "utf8");
const filesOf = (path: string) =>
  readdirSync(join(root, path)).map((file) => file.replace(/(\.test)?\.ts$/, ""));
const names = rules.map(({ name }) => name);

describe("the pack", () => {
  it("has one file a rule", () => {
    expect(filesOf("policy/rules").filter((file) => file !== "index")).toEqual(names);
  });

  it.each(rules)("$name says what it asks, how bad it is and what to do", (rule) => {
    expect(rule.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)+$/);
    expect(rule.description).toMatch(/^[A-Z].+\.$/);
    expect(["low", "medium", "high", "critical"]).toContain(rule.severity);
    expect(rule.remediationSteps).toMatch(/^[A-Z].+\.$|^estate: /);
  });

  it("is mandatory but for what the program does not do yet", () => {
    const levels = Object.fromEntries(rules.map(({ name, enforcementLevel }) => [name, enforcementLevel]));
    const other = Object.entries(levels).filter(([, level]) => level !== "mandatory");
    expect(Object.fromEntries(other)).toEqual({
      "bucket-public-access-blocked": "remediate",
      "firewall-outgoing-anywhere": "advisory",
      "preview-complete": "advisory",
      "tags-complete": "remediate",
    });
  });

  it("is listed in docs/policy.md as it is", () => {
    const cell = (content: string) => content.replaceAll("|", "\\|");
    const row = ({ name, enforcementLevel, severity, description, configSchema }: Policy) => {
      const settings = Object.keys(configSchema?.properties ?? {}).map((setting) => `\`${setting}\``);
      return `| \`${name}\` | ${enforcementLevel} | ${severity} | ${cell(description)} | ${settings.join(", ")} |`;
    };
    const documented = text("docs/policy.md")
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    expect(documented).toEqual(rules.map(row));
  });
});

describe("the settings of each stack", () => {
  it.each(["prod", "staging", "local"])("of %s repeat its own configuration", (stack) => {
    const { config } = parse(text(`Pulumi.${stack}.yaml`)) as { config: Record<string, unknown> };
    const { pleskAddress, operators, outgoing } = config["database-estate:access"] as {
      pleskAddress: string;
      operators: string[];
      outgoing: { to: string | string[] }[];
    };
    const { anchor } = config["database-estate:rotation"] as { anchor: string };
    const { endpoint, recipients } = config["database-estate:backup"] as {
      endpoint?: string;
      recipients: string[];
    };
    // The lab's are in a file that is made with it.
    const keys = recipients.filter((recipient) => recipient.startsWith("age1"));
    const { baseUrl, repository, environment } = config["database-estate:github"] as Record<string, string>;
    const endpoints = [endpoint, baseUrl].filter(Boolean);
    expect(JSON.parse(text(`policy/config.${stack}.json`))).toEqual({
      "firewall-source-narrow": { allowed: [pleskAddress, ...operators] },
      "firewall-database-ports-closed": { pleskAddresses: [pleskAddress] },
      "firewall-outgoing-narrow": { allowed: [...new Set(outgoing.flatMap(({ to }) => to))] },
      "hba-source-narrow": { allowed: [pleskAddress] },
      "password-rotated": { anchor },
      ...(keys.length > 0 && { "agent-file-known": { recipients: keys } }),
      ...(endpoints.length > 0 && { "connection-tls-verified": { endpoints } }),
      "published-secret-generated": { places: [`${repository} ${environment}`] },
      ...(endpoint && { "backup-bucket-own": { endpoints: [endpoint] } }),
    });
  });
});
