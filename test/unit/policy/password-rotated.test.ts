import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { passwordRotated } from "../../../policy/rules/password-rotated";
import { type Member, stackFaultsOf } from "../../support/policy";

const plan = { days: 90, graceDays: 7, anchor: "2026-01-01", forced: [] };
const rotated = (since: string) => ({ generation: 1, since, leaked: false, forced: [] });
const schedule = (services: object, state: object): Member => ({
  type: "estate:rotation:Schedule",
  name: "rotation",
  props: { services, rotated: state },
});
const generator = (name: string, from: string[]): Member => ({
  type: "random:index/randomPassword:RandomPassword",
  name,
  props: { keepers: { generation: "1" } },
  madeFrom: { keepers: from },
});
const account = (name: string, from: string): Member => ({
  type: "estate:mariadb:Account",
  name,
  props: { user: "svc_crm", passwords: ["p"] },
  madeFrom: { passwords: [from] },
});
const good = [
  schedule({ mo_crm: plan }, { mo_crm: rotated("2026-01-01") }),
  generator("mo_crm-password", ["rotation"]),
  account("mo_crm-account", "mo_crm-password"),
];

describe(passwordRotated.name, () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const on = (day: string) => vi.setSystemTime(new Date(`${day}T12:00:00Z`));

  it("accepts what is not due, and what is late by a few days", () => {
    for (const day of ["2026-01-01", "2026-04-01", "2026-04-08"]) {
      on(day);
      expect(stackFaultsOf(passwordRotated, good, { anchor: "2026-01-01" }), day).toEqual([]);
    }
  });

  it("refuses a rotation that is overdue", () => {
    on("2026-04-09");
    expect(stackFaultsOf(passwordRotated, good)).toEqual([
      "rotation: mo_crm has its password since 2026-01-01, and was due on 2026-04-01",
    ]);
    on("2026-04-02");
    expect(stackFaultsOf(passwordRotated, good, { lateDays: 0 })).toHaveLength(1);
  });

  it("refuses a period that is too long, and an anchor that was moved", () => {
    on("2026-01-01");
    const [, ...rest] = good;
    const members = [schedule({ mo_crm: { ...plan, days: 91 }, mo_idp: plan }, {}), ...rest];
    expect(stackFaultsOf(passwordRotated, members, { anchor: "2026-02-01" })).toEqual([
      "rotation: mo_crm is rotated every 91 days. Give 90 or fewer",
      "rotation: mo_idp counts its periods from 2026-01-01, not from 2026-02-01",
    ]);
    expect(stackFaultsOf(passwordRotated, good, { days: 30 })).toEqual([
      "rotation: mo_crm is rotated every 90 days. Give 30 or fewer",
    ]);
  });

  it("refuses a service's password that takes no part in it; an admin's need not", () => {
    on("2026-01-01");
    const members = [...good, generator("mo_idp-password", []), generator("postgres-admin-password", [])];
    expect(stackFaultsOf(passwordRotated, members)).toEqual([]);
    expect(
      stackFaultsOf(passwordRotated, [...members, account("mo_idp-account", "mo_idp-password")]),
    ).toEqual(["mo_idp-password: is never rotated: keepers hold no generation of a schedule"]);
  });

  it("lets nobody set a longer life than 90 days", () => {
    expect(passwordRotated.configSchema?.properties.days?.maximum).toBe(90);
  });
});
