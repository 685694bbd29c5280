import { describe, expect, it } from "vitest";
import { parseRange, withPrefix } from "../../../connect/address";

describe("parseRange", () => {
  it.each([
    ["10.77.0.11", "10.77.0.11", 32],
    ["10.77.0.11/32", "10.77.0.11", 32],
    ["203.0.113.45/29", "203.0.113.40/29", 29],
    ["255.255.255.255/1", "128.0.0.0/1", 1],
    ["0.0.0.0/0", "0.0.0.0/0", 0],
    ["FD77:0:0::1/128", "fd77::1", 128],
    ["2001:db8::4f/125", "2001:db8::48/125", 125],
    ["::/0", "::/0", 0],
    ["64:ff9b::192.0.2.33/120", "64:ff9b::c000:200/120", 120],
  ])("%s is %s", (text, canonical, prefix) => {
    expect(parseRange(text)).toMatchObject({ text: canonical, prefix });
  });

  it.each([
    "any",
    "",
    "10.77.0",
    "10.77.0.1/33",
    "10.77.0.1/",
    "10.77.0.1/8/8",
    "::1/129",
    "fe80::1%eth0",
    "1.2.3.4/-1",
  ])("%j is no range", (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
});

describe("withPrefix", () => {
  it("always has one", () => {
    expect(withPrefix("10.77.0.11")).toBe("10.77.0.11/32");
    expect(withPrefix("2001:db8::11")).toBe("2001:db8::11/128");
    expect(withPrefix("10.77.0.8/29")).toBe("10.77.0.8/29");
    expect(() => withPrefix("localhost")).toThrow(/"localhost" is no address/);
  });
});
