import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, findLeaks } from "../../support/leak";

const secret = "kX3_vR9.planted-canary-of-40-characters";
const secrets = new Map([["canary", secret]]);
const found = (text: string) => findLeaks([{ where: "log", text }], secrets);

describe("the search for leaked secrets", () => {
  it("finds a secret in clear, in the middle of a line", () => {
    expect(found(`LOG: ALTER ROLE x PASSWORD '${secret}';\n`)).toEqual(["log: canary (in clear)"]);
  });

  it.each(["", "a", "ab", "abc", "abcd"])("finds it in base64 of a longer text, %j before it", (before) => {
    const text = Buffer.from(`${before}${secret} and more`).toString("base64");
    expect(found(`{"data":"${text}"}`)).toEqual(["log: canary (base64)"]);
  });

  it("finds it in hex", () => {
    expect(found(Buffer.from(secret).toString("hex"))).toEqual(["log: canary (hex)"]);
  });

  it("finds nothing where there is nothing, and never shows the secret", () => {
    expect(found("an ordinary line")).toEqual([]);
    expect(found(secret).join()).not.toContain(secret);
  });

  it("refuses a secret that would be found by chance", () => {
    expect(() => findLeaks([], new Map([["short", "abc"]]))).toThrow("found by chance");
  });

  it("reads every file below a directory", async () => {
    const directory = await mkdtemp(join(tmpdir(), "leak-"));
    await mkdir(join(directory, "history/stack"), { recursive: true });
    await writeFile(join(directory, "history/stack/1.json"), `{"result":"${secret}"}`);
    const leaks = findLeaks(await filesBelow(directory), secrets);
    await rm(directory, { recursive: true });
    expect(leaks).toEqual([`${directory}/history/stack/1.json: canary (in clear)`]);
  });
});
