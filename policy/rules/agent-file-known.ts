import { AGENT_SETTINGS as SETTINGS } from "../backup-agents";
import { digestOf, readDigests } from "../digests";
import { BACKUP_AGENT } from "../kinds";
import { isUnknown, object, show, texts, type Value } from "../plain";
import { resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  packages: string[];
  recipients: string[];
}

/** Read by Bash: a value is one word, or words in single quotes, of which none means anything to a shell. */
const SETTING =
  /^(?:#.*|(?:ENGINE|HOST|KEPT|PORT|BUCKET_URL|DATABASES|QUEUES|LOCAL(?:_DAYS)?|TRIES|PAUSE|PART|(?:DUMP|COPY|SAVE)_SECONDS|PROOF(?:_DIR|_SECONDS|_BYTES|_MEMORY|_REST)?)=(?:[\w./:-]*|'[\w./: -]*'))?$/;
/** Files that follow from the stack, line by line. */
const RECIPIENTS = `${SETTINGS}/recipients.txt`;
const BY_STACK: Readonly<Record<string, RegExp>> = {
  [`${SETTINGS}/agent.conf`]: SETTING,
  [RECIPIENTS]: /^(?:age1[a-z0-9]{58})?$/,
  [`${SETTINGS}/ca.crt`]: /^(?:-----(?:BEGIN|END) CERTIFICATE-----|[A-Za-z0-9+/=]*)$/,
};
/** curl's own file: who signs, and no word that makes it read, write or go anywhere else. */
const BUCKET = /^(?:(?:aws-sigv4|user) = "[\w./:+=-]*")?$/;

export const agentFileKnown = resourceRule<Config>({
  name: "agent-file-known",
  description:
    "The backup agent puts programs on a host that this pack knows by their digest, and settings of known form.",
  severity: "critical",
  remediationSteps: "Change components/agent and take the digests up: make digests.",
  config: {
    packages: textList("Debian packages of the agent", [
      ...["age", "ca-certificates", "jq", "curl", "mount", "util-linux", "mariadb-backup", "zstd"],
    ]),
    recipients: textList("Public keys of age that backups are sealed to, age1...; empty: any", []),
  },
  types: [BACKUP_AGENT],
  *faults({ props, sealed }, { packages, recipients }) {
    const digests = readDigests().files;
    for (const [path, file] of Object.entries(object(props.files))) {
      const { content, mode } = object(file);
      if (typeof content === "string" && !isKnown(path, content, digests[path])) {
        yield `files["${path}"] is not what this pack knows. Take the digest up, or leave it out`;
      }
      if (typeof mode === "string" && !/^0(?:644|755|600|640)$/.test(mode))
        yield `files["${path}"].mode is ${mode}`;
    }
    const { content: sealedTo } = object(object(props.files)[RECIPIENTS]);
    if (typeof sealedTo === "string" && sealedTo.trim() === "")
      yield `files["${RECIPIENTS}"] names nobody who may open backups. Name a key of age`;
    for (const key of typeof sealedTo === "string" ? sealedTo.split("\n") : []) {
      if (key !== "" && recipients.length > 0 && !recipients.includes(key))
        yield `files["${RECIPIENTS}"] holds ${key}, who is not configured to open backups`;
    }
    for (const [path, file] of Object.entries(object(props.secretFiles))) {
      if (typeof object(file).content === "string" && !sealed(`secretFiles["${path}"].content`))
        yield `secretFiles["${path}"] is not sealed. Make it a secret`;
      const { content, owner } = object(file);
      const known = path === `${SETTINGS}/bucket.conf`;
      // What it holds is a secret: not shown.
      if (!known || (typeof content === "string" && !everyLine(content, BUCKET))) {
        yield `secretFiles["${path}"] is not the settings of curl for a bucket`;
      }
      if (!isUnknown(owner) && owner !== "root")
        yield `secretFiles["${path}"].owner is ${show(owner)}. Use root`;
    }
    for (const name of texts(props.packages)) {
      if (!packages.includes(name)) yield `packages holds ${show(name)}, which is not on the list`;
    }
    const timers = Object.keys(digests).flatMap((path) => /([^/]+\.timer)$/.exec(path)?.[1] ?? []);
    for (const name of texts(props.timers)) {
      if (!timers.includes(name)) yield `timers holds ${show(name)}, which this pack does not know`;
    }
  },
});

function isKnown(path: string, content: string, digest: string | undefined): boolean {
  const form = Object.hasOwn(BY_STACK, path) ? BY_STACK[path] : undefined;
  return form ? everyLine(content, form) : digest !== undefined && digest === digestOf(content);
}

function everyLine(content: Value, form: RegExp): boolean {
  return String(content)
    .split("\n")
    .every((line) => form.test(line));
}
