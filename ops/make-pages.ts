import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rowSecurity } from "../estate/row-security";
import { rowSecurityPage } from "../estate/row-security/page";

/** `make pages`: writes the pages of docs/ that follow from what is declared. A unit test says when one is out of date. */
const directory = join(__dirname, "../docs/row-level-security");
mkdirSync(directory, { recursive: true });
for (const declaration of rowSecurity) {
  writeFileSync(join(directory, `${declaration.database}.md`), rowSecurityPage(declaration));
}
