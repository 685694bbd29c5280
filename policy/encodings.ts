/** The forms in which a secret may travel without looking like itself. */
export function encodingsOf(secret: string): string[] {
  const forms = [
    secret,
    [...secret].reverse().join(""),
    ...["base64", "base64url"].flatMap((encoding) => inside(secret, encoding as "base64")),
  ];
  return [...new Set(forms)];
}

/** Within a longer text that was encoded as a whole: what stays the same wherever in a group of three bytes it begins. */
function inside(secret: string, encoding: "base64" | "base64url"): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.from("\0".repeat(before) + secret)
      .toString(encoding)
      .replace(/=+$/, "");
    const end = Math.floor(((before + Buffer.byteLength(secret)) * 8) / 6);
    return text.slice(before === 0 ? 0 : before + 1, end);
  });
}

const letter = (code: string, radix: number) => String.fromCharCode(Number.parseInt(code, radix));
const bytes = (text: string, encoding: "hex" | "base64") =>
  Buffer.from(text, encoding).toString("latin1").replaceAll("\0", "");

/** Without escapes that stand for themselves, and lines that were broken for a reader. */
function joined(text: string): string {
  return text.replace(/[\\\s]+/g, "");
}

/** What a reader makes of a text again: each by itself, and one behind the other. */
const DECODERS: readonly ((text: string) => string)[] = [
  // %2D, =2D, \x2d, \u002d, \U0000002d and, as a shell writes it, \055.
  (text) =>
    text.replace(
      /(?:[%=]|\\x)([0-9a-f]{2})|\\u\{?0*([0-9a-f]{2})\}?|\\0?([0-3]?[0-7]{2})/gi,
      (_all, one, other, octal) => (octal === undefined ? letter(one ?? other, 16) : letter(octal, 8)),
    ),
  // Numbers of letters, one behind the other: 99, 97, 110.
  (text) =>
    text.replace(/\b(?:\d{2,3}[\s,;]+){11,}\d{2,3}\b/g, (numbers) =>
      numbers
        .split(/[\s,;]+/)
        .map((number) => letter(number, 10))
        .join(""),
    ),
  // &#45; and &#x2d;
  (text) =>
    text.replace(/&#(?:x([0-9a-f]+)|(\d+));?/gi, (_all, hex, decimal) =>
      letter(hex ?? decimal, hex ? 16 : 10),
    ),
  joined,
  // Hex, with or without marks between the bytes, from either digit on.
  ...[0, 1].map(
    (skipped) => (text: string) =>
      text.replace(/(?:[0-9a-f]{2}(?:[:,\s-]|\\x|0x)*){12,}[0-9a-f]?/gi, (hex) =>
        bytes(hex.replace(/0x|[^0-9a-f]/gi, "").slice(skipped), "hex"),
      ),
  ),
  // Wherever in a group of four it begins: a word may stand before it.
  ...[0, 1, 2, 3].map(
    (skipped) => (text: string) =>
      text.replace(/[\w+/-]{16,}/g, (run) => bytes(run.slice(skipped), "base64")),
  ),
];
const DEPTH = 2;

/** A text and what it may be decoded to. */
export function viewsOf(text: string, decoders = DECODERS): Set<string> {
  const views = new Set([text]);
  for (let depth = 0, newest = [text]; depth < DEPTH && newest.length > 0; depth++) {
    newest = newest
      .flatMap((one) => decoders.map((decode) => decode(one)))
      .filter((view) => !views.has(view));
    for (const view of newest) views.add(view);
  }
  return views;
}

/** A search for any of many secrets, in any of their forms and cases. */
export function finderOf(secrets: readonly string[]): (text: string) => boolean {
  const forms = [...new Set(secrets.flatMap(encodingsOf))].map((form) =>
    form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
  if (forms.length === 0) return () => false;
  const pattern = new RegExp(forms.join("|"), "i");
  return (text) => [...viewsOf(text)].some((view) => pattern.test(view));
}

/** What looks like a credential of a service that everybody knows, or a URL with a password. */
const CREDENTIAL =
  /-----BEGIN [A-Z ]*PRIVATE KEY|\bPuTTY-User-Key-File|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bgithub_pat_\w{22}|\bAGE-SECRET-KEY-1|\bxox[abps]-[\w-]{10}|\bsk_live_\w{16}/;
/** A port is no password: behind its number a path begins. */
const URL_WITH_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:(?!\d+(?:\/|$))[^\s@]+@/i;

/** Where all words are joined, whatever stands between two marks would be a password. */
const SPACED = DECODERS.filter((decode) => decode !== joined);

export function isCredential(text: string): boolean {
  return [...viewsOf(text, SPACED)].some((view) => CREDENTIAL.test(view) || URL_WITH_PASSWORD.test(view));
}
