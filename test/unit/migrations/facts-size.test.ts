import { loadModule } from "libpg-query";
import { beforeAll, expect, it } from "vitest";
import { factsOf } from "../../../estate/migrations/facts";

beforeAll(() => loadModule());

it("facts of 16,000 statements take a few times what 4,000 do, and tell the line of each, whatever letters are before it", () => {
  const cpu = (count: number) => {
    const rows = Array.from(
      { length: count },
      (_, id) => `INSERT INTO a VALUES (${id}, 'näme ${id}, a nöte 😀');`,
    );
    const before = process.cpuUsage();
    expect(factsOf(`${rows.join("\n")}\n-- über\nDROP TABLE b;\n`, "postgres")).toEqual([
      { line: count + 2, does: "table-gone", what: "public.b" },
    ]);
    return process.cpuUsage(before).user / 1000;
  };
  cpu(1_000);
  const [few, many] = [cpu(4_000), cpu(16_000)];
  expect(many).toBeLessThan(few * 8 + 500);
}, 60_000);
