import { expect, it } from "vitest";
import { exposureOf } from "../../support/exposure";

it("what listens while the kernel lets everybody in counts as unguarded", () => {
  expect(exposureOf("no \nno 10.0.0.1:3306\nyes 10.0.0.1:3306 10.0.0.1:80\n")).toEqual({
    samples: 3,
    listened: ["10.0.0.1:3306", "10.0.0.1:80"],
    unguarded: ["10.0.0.1:3306"],
  });
});

it("what listens behind a closed firewall alone does not", () => {
  expect(exposureOf("no \nyes 10.0.0.1:3306\n").unguarded).toEqual([]);
});
