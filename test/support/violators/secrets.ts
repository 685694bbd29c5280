import { sealed } from "../wire-values";
import * as right from "./right";
import type { Violator } from "./types";

const canary = "canary-password-canary-password-1";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const hex = Buffer.from(canary).toString("hex");
const codes = (radix: number, before: string) =>
  [...canary].map((letter) => `${before}${letter.charCodeAt(0).toString(radix)}`);
const made = { ...right.password, name: "made", outputs: { result: canary } };
const tagged = (tags: object) => ({
  ...right.user,
  name: "it",
  props: { name: "w", tags: { owner: "o", "data-protection-contact": "d", ...tags } },
});
const exposed = (is: string, ...members: Violator["members"]): Violator => ({
  rule: "secret-not-exposed",
  is,
  members: [made, ...members],
});
const mail = "ses-password-of-the-writer-00000";
const body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";
const privateKey = sealed(`-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\nc2gtZW\n-----END`);

/** Secrets where nobody looks for them, and credentials in other words. */
export const secrets: Violator[] = [
  ...Object.entries({
    "in octal as a shell writes it": codes(8, "\\").join(""),
    "in octal with a zero before it": codes(8, "\\0").join(""),
    "as numbers of letters": codes(10, "").join(","),
    "as mail writes it": codes(16, "=").join(""),
    "in base64 of hex with a word before it": `x=y_${base64(hex)}`,
    "in hex with a digit before it": `a${hex}`,
    "a private key in base64": base64("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"),
    "a URL with a password in capitals": "POSTGRES://user:hunter2@db.test/x",
    "a URL with a password with a slash": "postgres://user:hun/ter2@db.test/x",
    "a URL with a password, escaped": encodeURIComponent("postgres://user:hunter2@db.test/x"),
    "a key of PGP": "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    "a key of PuTTY": "PuTTY-User-Key-File-3: ssh-ed25519",
  }).map(([is, owner]) => exposed(is, tagged({ owner }))),
  exposed("in a tag that a plugin might have made", tagged({ __meta: canary })),
  exposed("a credential in the name of a tag", tagged({ [`AKIA${"A".repeat(16)}`]: "x" })),
  exposed("a credential in a name", { ...right.user, name: `AKIA${"A".repeat(16)}` }),
  exposed("in what another password is kept by", {
    ...right.password,
    name: "it",
    props: { ...right.password.props, keepers: { x: canary } },
  }),
  exposed("a credential in an open output", {
    ...right.stack,
    name: "it",
    outputs: { rotations: { a: `ghp_${"a".repeat(36)}` } },
  }),
  exposed(
    "the mail password of a key of AWS",
    {
      ...{ type: "aws:iam/accessKey:AccessKey", name: "key", props: { user: "w" } },
      outputs: { user: "w", secret: "s".repeat(32), sesSmtpPasswordV4: mail },
    },
    tagged({ owner: mail }),
  ),
  exposed(
    "a line of a private key",
    {
      ...right.command,
      name: "command",
      props: { ...right.command.props, connection: { ...right.connection, privateKey } },
    },
    tagged({ owner: body }),
  ),
];
