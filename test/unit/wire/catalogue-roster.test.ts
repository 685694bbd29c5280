import { describe, expect, it } from "vitest";
import { catalogueRoster } from "../../../provider/kinds/catalogue-roster";
import { type Properties, UNKNOWN } from "../../../provider/wire/kind";

const context = { urn: "urn:pulumi:local::database-estate::estate:catalogue:Roster::catalogue" };
const check = (news: Properties, old?: Properties) => catalogueRoster.check(news, old, context);

describe("the catalogue's roster", () => {
  const old = { databases: ["mo_crm", "mo_forum", "mo_main"], retired: ["mo_main"] };

  it("takes any databases the first time, sorted", () => {
    const { inputs, failures } = check({ databases: ["b", "a"], retired: [] });
    expect(failures).toEqual([]);
    expect(inputs).toEqual({ databases: ["a", "b"], retired: [] });
  });

  it("refuses each live database that vanished, and says how to retire it", () => {
    const { failures } = check({ databases: [], retired: [] }, old);
    expect(failures.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^mo_crm was taken out .* live\. To retire it: set state: "retired"/),
      expect.stringMatching(/^mo_forum was taken out .* live\. .* pulumi up .* then remove the entry\.$/),
    ]);
  });

  it("lets go of one that was retired in the run before, or is being retired", () => {
    expect(check({ databases: ["mo_crm", "mo_forum"], retired: [] }, old).failures).toEqual([]);
    expect(check({ databases: ["mo_crm"], retired: ["mo_forum"] }, old).failures).toEqual([]);
  });

  it("refuses names that are no list or not known", () => {
    const { failures } = check({ databases: "mo_crm", retired: [UNKNOWN] }, old);
    expect(failures.map(({ property }) => property)).toEqual(["databases", "retired"]);
  });
});
