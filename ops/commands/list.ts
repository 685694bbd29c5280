import { Command } from "commander";
import { databases, redisUsers } from "../../estate/catalogue";
import { EXIT, type Finish } from "../exit";
import type { Io } from "../io";
import { renderJson } from "../render/json";
import { renderList } from "../render/list";

export function listCommand(io: Io, finish: Finish): Command {
  return new Command("list")
    .description("Show the catalogue: every declared database and redis user.")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Examples:
  estate list
  estate list --json | jq -r '.databases[] | select(.personalData) | .name'`,
    )
    .action((options: { json?: boolean }) => {
      const catalogue = { databases, redisUsers };
      io.out(options.json ? renderJson(catalogue) : renderList(catalogue));
      finish(EXIT.done);
    });
}
