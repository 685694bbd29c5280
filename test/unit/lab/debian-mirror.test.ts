import { describe, expect, it } from "vitest";
import { debianMirror, mirrorIn } from "../../../lab/debian-mirror";

describe("the Debian mirror", () => {
  it.each([
    ["one line", "deb http://mirror.test/debian trixie main", "http://mirror.test/debian"],
    [
      "one line with options",
      "deb [signed-by=/k] https://mirror.test/debian/ trixie main",
      "https://mirror.test/debian",
    ],
    ["deb822", "Types: deb\nURIs: http://mirror.test/debian\nSuites: trixie", "http://mirror.test/debian"],
    ["a comment", "# deb http://mirror.test/debian trixie main", undefined],
    ["the security archive", "URIs: http://mirror.test/debian-security", undefined],
    ["another vendor", "deb https://apt.vendor.test stable main", undefined],
  ])("in a source of %s", (_what, text, mirror) => expect(mirrorIn(text)).toBe(mirror));

  it("can be named", () => {
    expect(debianMirror({ ESTATE_DEBIAN_MIRROR: "http://mine.test/debian" })).toBe("http://mine.test/debian");
  });

  it("that nobody names is an error with the fix", () => {
    expect(() => debianMirror({}, "/nonexistent")).toThrow(/Set ESTATE_DEBIAN_MIRROR/);
  });
});
