import { join } from "node:path";
import { AUTHORITIES, debianRoot } from "./debian-root";
import { succeed } from "./run";

/** Runs Debian's Python, with pip, as it lies in its root: the machine itself need not have one, and its network is used. */
export async function python(...args: string[]): Promise<void> {
  const root = await debianRoot("trixie", ["python3-pip", "python3-minimal"]);
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  const loader = join(libraries, "ld-linux-x86-64.so.2");
  const env = {
    PYTHONHOME: join(root, "usr"),
    PYTHONPATH: join(root, "usr/lib/python3/dist-packages"),
    PIP_CERT: AUTHORITIES,
  };
  await succeed(loader, ["--library-path", libraries, join(root, "usr/bin/python3"), ...args], { env });
}
