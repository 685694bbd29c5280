import { hostCommand } from "../../../components/plans/host-script";
import { hbaSourceNarrow } from "../../../policy/rules/hba-source-narrow";
import { verifyRule } from "../../support/policy";

const command = (variables: Record<string, string>, user = "root") => ({
  create: hostCommand({ scripts: ["settings"], variables, user }),
});
const type = "command:remote:Command";
const hba = `# Written by the estate program
local    all     postgres                                     peer
hostssl  mo_idp  svc_idp_a,svc_idp_b  10.0.0.5/32  scram-sha-256
local    all     all                               reject
host     all     all                  all          reject`;
const door = "hostssl mo_idp svc_idp_a,svc_idp_b";
const where = (source: string, method = "scram-sha-256") => `pg_hba.conf, "${door} ${source} ${method}"`;

for (const user of ["root", "estate"]) {
  verifyRule(hbaSourceNarrow, { type, props: command({ HBA: hba }, user) }, [
    {
      clause: "the world",
      props: command({ HBA: hba.replace("10.0.0.5/32", "0.0.0.0/0") }, user),
      says: [`${where("0.0.0.0/0")}: source 0.0.0.0/0 is wider than /32. Name the machines that need it`],
    },
    {
      clause: "the world of IPv6",
      props: command({ HBA: hba.replace("10.0.0.5/32", "::/0") }, user),
      says: [`${where("::/0")}: source ::/0 is wider than /128. Name the machines that need it`],
    },
    {
      clause: "all as a source",
      props: command({ HBA: hba.replace("10.0.0.5/32", "all") }, user),
      says: [`${where("all")}: source "all" is no address or range. Write it as 203.0.113.11/32`],
    },
    {
      clause: "a netmask",
      props: command({ HBA: hba.replace("10.0.0.5/32", "10.0.0.0 255.255.255.0") }, user),
      says: [`${where("10.0.0.0 255.255.255.0")}: write the source as a range, 203.0.113.11/32`],
    },
    {
      clause: "a source that the stack does not know",
      config: { allowed: ["10.0.0.6"] },
      says: [`${where("10.0.0.5/32")}: source 10.0.0.5/32 is outside the configured ranges (10.0.0.6)`],
    },
    {
      clause: "a connection without TLS",
      props: command({ HBA: hba.replace("hostssl ", "host ") }, user),
      says: [
        'pg_hba.conf, "host mo_idp svc_idp_a,svc_idp_b 10.0.0.5/32 scram-sha-256": takes connections without TLS. Use hostssl',
      ],
    },
    {
      clause: "a weak method",
      props: command({ HBA: hba.replace("scram-sha-256", "trust") }, user),
      says: [`${where("10.0.0.5/32", "trust")}: the method is trust. Use scram-sha-256`],
    },
    {
      clause: "no last line that refuses",
      props: command({ HBA: hba.replace(/\nhost .*$/, "") }, user),
      says: [
        "pg_hba.conf: the last line for the network lets somebody in. End with: host all all all reject",
      ],
    },
  ]);
}

verifyRule(hbaSourceNarrow, { type, props: { create: "true" } }, [
  {
    clause: "a line that a command appends",
    props: { create: "echo 'hostssl all all 0.0.0.0/0 scram-sha-256' >> pg_hba.conf" },
    says: [
      'pg_hba.conf, "hostssl all all 0.0.0.0/0 scram-sha-256": source 0.0.0.0/0 is wider than /32. Name the machines that need it',
      "pg_hba.conf: the last line for the network lets somebody in. End with: host all all all reject",
    ],
  },
]);

verifyRule(
  hbaSourceNarrow,
  { type: "estate:host:ServerSettings", props: { configuration: "ssl = on", hba } },
  [
    {
      clause: "the world in a server's settings",
      props: { hba: hba.replace("10.0.0.5/32", "0.0.0.0/0") },
      says: [`${where("0.0.0.0/0")}: source 0.0.0.0/0 is wider than /32. Name the machines that need it`],
    },
  ],
);
