import { expect, it } from "vitest";
import { readDigests } from "../../../policy/digests";
import { makeDigests } from "../../../policy/make-digests";

it("the digests are those of what the program runs on hosts: `make digests` writes them anew", () => {
  expect(readDigests()).toEqual(makeDigests());
});
