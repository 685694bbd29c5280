import { expect, it } from "vitest";
import { backupNow } from "../../../../ops/backup/now";

it("says of a run that was interrupted that it goes on where it runs", async () => {
  const interrupted = new AbortController();
  const open = async () => {
    interrupted.abort();
    throw new Error("cancelled while connected to root@host:22");
  };
  const request = { host: "mariadb" as const, databases: [], tag: undefined };
  const [run] = await backupNow([request], open, () => undefined, interrupted.signal);
  expect(run?.fault).toBe(
    "interrupted here; a run that has begun on the host goes on. See: estate backup list",
  );
});
