import { describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { databaseSchema } from "../../../estate/schema";
import { restoreNames } from "../../../ops/restore/names";

const NAME_LIMIT = 63;
const accepts = (engine: "mariadb" | "postgres", name: string) => {
  const entry = databases.find((each) => each.engine === engine);
  return databaseSchema.safeParse({ ...entry, name }).success;
};

describe.each(["mariadb", "postgres"] as const)("a database of %s", (engine) => {
  it("has a name beside which everything fits that a restore makes", () => {
    const longest = `m${"o".repeat(35)}`;
    expect(accepts(engine, longest)).toBe(true);
    for (const name of Object.values(restoreNames(longest, new Date()))) {
      expect(name.length).toBeLessThanOrEqual(NAME_LIMIT);
    }
    expect(accepts(engine, `${longest}o`)).toBe(false);
    expect(restoreNames(`${longest}o`, new Date()).replaced.length).toBeGreaterThan(NAME_LIMIT);
  });

  it("has none that a restore of another one would drop", () => {
    expect(accepts(engine, "mo_crm__restoring")).toBe(false);
    expect(accepts(engine, "mo_crm__replaced_20260131t020000z")).toBe(false);
    expect(accepts(engine, "_accounts")).toBe(false);
  });
});
