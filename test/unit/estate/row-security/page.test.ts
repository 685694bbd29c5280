import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { rowSecurity } from "../../../../estate/row-security";
import { rowSecurityPage } from "../../../../estate/row-security/page";
import { projectDirectory } from "../../../support/run";

const docs = join(projectDirectory, "docs");
const index = readFileSync(join(docs, "row-level-security.md"), "utf8");
const links = [...index.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, to]) => to ?? "");

describe("docs/row-level-security/", () => {
  it.each(rowSecurity)("say of $database what is declared: `make pages` writes them", (declaration) => {
    const page = readFileSync(join(docs, "row-level-security", `${declaration.database}.md`), "utf8");
    expect(page).toBe(rowSecurityPage(declaration));
  });

  it("has the databases that are declared and no other", () => {
    const names = rowSecurity.map(({ database }) => `${database}.md`);
    expect(readdirSync(join(docs, "row-level-security")).sort()).toEqual(names.sort());
  });

  it("is reached from its index, and that from the README", () => {
    const pages = rowSecurity.map(({ database }) => `row-level-security/${database}.md`);
    expect(links).toEqual(expect.arrayContaining(pages));
    expect(readFileSync(join(projectDirectory, "README.md"), "utf8")).toContain(
      "(docs/row-level-security.md)",
    );
  });

  it("has an index that names nothing that is not there", () => {
    for (const to of links) expect(existsSync(join(docs, to)), to).toBe(true);
    const paths = [...index.matchAll(/`((?:estate|components|provider|test|sql|docs)\/[\w./-]+)`/g)];
    for (const [, path] of paths) expect(existsSync(join(projectDirectory, path ?? "")), path).toBe(true);
  });
});
