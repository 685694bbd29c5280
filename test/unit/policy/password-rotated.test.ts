import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { passwordRotated } from "../../../policy/rules/password-rotated";
import { type Member, stackFaultsOf } from "../../support/policy";

const generators = (...names: string[]): Member[] =>
  names.map((name) => ({ type: "random:index/randomPassword:RandomPassword", name, props: {} }));
const config = { anchor: "2026-01-01" };

describe(passwordRotated.name, () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const on = (day: string) => vi.setSystemTime(new Date(`${day}T12:00:00Z`));

  it("accepts the generation that is due, and the one before in its grace", () => {
    on("2026-03-31");
    expect(stackFaultsOf(passwordRotated, generators("mo_crm-password-1"), config)).toEqual([]);
    on("2026-04-07");
    expect(stackFaultsOf(passwordRotated, generators("mo_crm-password-1"), config)).toEqual([]);
    on("2026-04-09");
    expect(
      stackFaultsOf(passwordRotated, generators("mo_crm-password-1", "mo_crm-password-2"), config),
    ).toEqual([]);
  });

  it("refuses a rotation that is overdue, once a service", () => {
    on("2026-07-08");
    const members = generators(
      "mo_crm-password-2",
      "mo_crm-password-1",
      "mo_n8n-password-3",
      "mariadb-admin-password",
    );
    expect(stackFaultsOf(passwordRotated, members, config)).toEqual([
      "mo_crm-password-2: mo_crm is at generation 2, and 3 is due",
    ]);
  });

  it("counts in the days of the stack", () => {
    on("2026-02-10");
    expect(
      stackFaultsOf(passwordRotated, generators("mo_crm-password-1"), { ...config, days: 30, graceDays: 0 }),
    ).toEqual(["mo_crm-password-1: mo_crm is at generation 1, and 2 is due"]);
  });

  it("says what is wrong with its own settings", () => {
    expect(stackFaultsOf(passwordRotated, [], { anchor: "soon" })).toEqual([
      'anchor is "soon". Use a day such as 2026-01-01',
    ]);
    expect(passwordRotated.configSchema?.properties.days?.maximum).toBe(90);
  });

  it("knows of nothing overdue without an anchor", () => {
    on("2030-01-01");
    expect(stackFaultsOf(passwordRotated, generators("mo_crm-password-1"))).toEqual([]);
  });
});
