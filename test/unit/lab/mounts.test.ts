import { describe, expect, it } from "vitest";
import { unifiedHierarchy } from "../../../lab/cgroups";
import { mountsUnder, parseMountinfo } from "../../../lab/mounts";

const table = [
  "23 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
  "30 23 0:26 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw",
  "31 23 0:27 / /run/estate-lab rw,relatime shared:9 master:2 propagate_from:2 - tmpfs estate-lab rw,mode=700",
  "32 31 0:28 / /run/estate-lab/a\\040b\\134c rw - overlay over\\011lay rw",
  "33 23 0:29 / /run/estate-laboratory rw - tmpfs other rw",
  "half a line",
  "",
].join("\n");

describe("parseMountinfo", () => {
  it("reads target, type, source and options, with any number of optional fields", () => {
    const [root, , lab] = parseMountinfo(table);
    expect(root).toEqual({ target: "/", type: "ext4", source: "/dev/vda", options: ["rw", "relatime"] });
    expect(lab).toMatchObject({ target: "/run/estate-lab", type: "tmpfs", source: "estate-lab" });
  });

  it("reads the kernel's octal escapes", () => {
    expect(parseMountinfo(table)[3]).toMatchObject({ target: "/run/estate-lab/a b\\c", source: "over\tlay" });
  });

  it("leaves out what is no mount", () => {
    expect(parseMountinfo(table)).toHaveLength(5);
  });
});

describe("mountsUnder", () => {
  it("gives the directory's own mount last, and not its neighbours'", () => {
    const targets = mountsUnder("/run/estate-lab", parseMountinfo(table)).map(({ target }) => target);
    expect(targets).toEqual(["/run/estate-lab/a b\\c", "/run/estate-lab"]);
  });
});

describe("unifiedHierarchy", () => {
  const at = (target: string, type: string) => ({ target, type, source: "x", options: [] });

  it("is found on a mixed and on a pure machine, and elsewhere", () => {
    expect(unifiedHierarchy(parseMountinfo(table))).toBe("/sys/fs/cgroup/unified");
    expect(unifiedHierarchy([at("/sys/fs/cgroup", "cgroup2")])).toBe("/sys/fs/cgroup");
    expect(unifiedHierarchy([at("/other", "cgroup2"), at("/sys/fs/cgroup", "cgroup2")])).toBe(
      "/sys/fs/cgroup",
    );
    expect(unifiedHierarchy([at("/other", "cgroup2")])).toBe("/other");
  });

  it("is not there on a machine with version 1 only", () => {
    expect(unifiedHierarchy([at("/sys/fs/cgroup", "tmpfs"), at("/sys/fs/cgroup/memory", "cgroup")])).toBe(
      undefined,
    );
  });
});
