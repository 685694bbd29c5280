import { beforeAll, describe, expect, it } from "vitest";
import { type MutablePack, mutablePack } from "../../support/mutants";
import { judge } from "../../support/pack";
import { violators } from "../../support/violators";

describe("each clause of the pack", () => {
  let pack: MutablePack;
  beforeAll(async () => {
    pack = await mutablePack();
  }, 60_000);

  it("is missed by a violator when it is left out", () => {
    const said = (index: number) => {
      const { members, config } = violators[index] as (typeof violators)[number];
      try {
        return JSON.stringify(judge(members, { pack, ...(config && { config }) }));
      } catch (error) {
        // Code behind a clause may count on it.
        return String(error);
      }
    };
    pack.without(-1);
    const before: string[] = [];
    const reaching = new Map<number, number[]>();
    for (const index of violators.keys()) {
      pack.reached();
      before.push(said(index));
      for (const clause of pack.reached()) reaching.set(clause, [...(reaching.get(clause) ?? []), index]);
    }
    const survivors = [...pack.clauses.entries()].filter(([clause]) => {
      pack.without(clause);
      return !(reaching.get(clause) ?? []).some((index) => said(index) !== before[index]);
    });
    pack.without(-1);
    expect(pack.clauses.length).toBeGreaterThan(150);
    expect(survivors.map(([, { at, text }]) => `${at} ${text.slice(0, 90)}`)).toEqual([]);
  }, 120_000);
});
