import { describe, expect, it } from "vitest";
import { rotationSchedule } from "../../../provider/kinds/rotation-schedule";
import type { Call, Properties } from "../../../provider/wire/kind";
import { UNKNOWN } from "../../../provider/wire/kind";

let today = "2026-01-01";
const kind = rotationSchedule(() => Date.parse(today));
const call: Call<unknown> = { config: {}, urn: "", signal: new AbortController().signal };
const plan = { days: 90, graceDays: 7, anchor: "2026-01-01", forced: [] as string[] };
const services = { mo_crm: plan, mo_idp: { ...plan, days: 30 } };

describe("estate:rotation:Schedule", () => {
  it("remembers, rotates what is due, and tells a preview so", async () => {
    today = "2026-01-01";
    const { state } = await kind.create(call, { services });
    const inputs = { services };
    const old = { id: "rotation", inputs, state };
    const news = inputs as unknown as Properties;
    today = "2026-01-30";
    expect(kind.diff?.(old, news)).toEqual([]);
    expect(kind.foresee?.(old, news)).toEqual({ rotated: state.rotated });

    today = "2026-01-31";
    expect(kind.diff?.(old, news)).toEqual([{ path: "rotated.mo_idp.generation", kind: "update" }]);
    const next = await kind.update(call, "rotation", old, inputs);
    expect(kind.foresee?.(old, news)).toEqual({ rotated: next.rotated });
    expect(next.rotated.mo_crm).toEqual(state.rotated.mo_crm);
    expect(next.rotated.mo_idp).toMatchObject({ generation: 2, since: "2026-01-31" });

    today = "2026-01-02";
    expect(kind.diff?.({ id: "", inputs, state: next }, news)).toEqual([]);
    expect((await kind.update(call, "rotation", { inputs, state: next }, inputs)).rotated).toEqual(
      next.rotated,
    );
  });

  it("shows a forced rotation and a service that is new", async () => {
    today = "2026-01-01";
    const { state } = await kind.create(call, { services });
    const inputs = { services };
    const more = { ...services, mo_new: plan, mo_crm: { ...plan, forced: ["2026-01-01T01:00:00Z"] } };
    const paths = kind.diff?.({ id: "", inputs, state }, { services: more })?.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["rotated.mo_new.generation", "rotated.mo_crm.generation"]));
    const next = await kind.update(call, "", { inputs, state }, { services: more });
    expect(next.rotated.mo_crm).toMatchObject({ generation: 2, leaked: true });
    expect(next.rotated.mo_new).toMatchObject({ generation: 1, leaked: false });
    expect(Object.keys((await kind.update(call, "", { inputs, state: next }, inputs)).rotated)).toEqual([
      "mo_crm",
      "mo_idp",
    ]);
  });

  it("names what is wrong with a plan; what is not known yet passes", () => {
    const check = (news: Properties) =>
      kind.check(news, undefined, { urn: "" }).failures.map(({ property }) => property);
    expect(
      check({
        services: { a: { ...plan, days: 91 }, b: { ...plan, graceDays: 46 }, c: { ...plan, anchor: "soon" } },
      }),
    ).toEqual(["services.a.days", "services.b.graceDays", "services.c.anchor"]);
    expect(check({ typo: 1 })).toEqual(["typo", "services"]);
    expect(check({ services: UNKNOWN })).toEqual([]);
    expect(check({ services })).toEqual([]);
    expect(kind.foresee?.(undefined, { services: UNKNOWN })).toEqual({});
  });

  it("is nowhere but in the state", async () => {
    const inputs = { services };
    const state = { services, rotated: {} };
    expect(await kind.read(call, "rotation", { inputs, state })).toEqual({ id: "rotation", inputs, state });
    await expect(kind.read(call, "rotation", undefined)).rejects.toThrow(/nothing to import/);
  });
});
