import { describe, expect, it } from "vitest";
import { sourceFault } from "../../../policy/addresses";

const sources = { allowed: ["10.0.0.0/24", "fd00::/64", "::ffff:0:0/96"], ipv4Bits: 29, ipv6Bits: 125 };

describe("a source", () => {
  it.each([
    "10.0.0.5",
    "10.0.0.5/32",
    "10.0.0.248/29",
    "fd00::8/125",
    "fd00::1",
  ])("of %s is within", (source) => {
    expect(sourceFault(source, sources)).toBeUndefined();
  });

  it.each(["10.0.1.5", "10.0.1.0/29", "fd01::1"])("of %s is outside", (source) => {
    expect(sourceFault(source, sources)).toMatch(/ is outside the configured ranges /);
  });

  it.each(["0.0.0.0/0", "10.0.0.0/28", "::/0", "fd00::/124"])("of %s is too wide", (source) => {
    expect(sourceFault(source, sources)).toMatch(/ is wider than /);
  });

  it.each(["any", "", "db.example", "10.0.0.5/33", "10.0.0.5/", "10.0.0/24"])("of %j is none", (source) => {
    expect(sourceFault(source, sources)).toMatch(/ is no address or range/);
  });
});
