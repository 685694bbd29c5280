import type { Rights } from "./routes";

/** The repository that the local stack publishes to. */
export const labRepository = {
  owner: "estate-lab",
  name: "applications",
  environments: ["staging", "production"],
} as const;

/** Public, and they guard nothing: the service lives and dies with the lab and answers inside it alone. */
export const labToken = "lab-token-that-writes-secrets";
export const labTokens: Readonly<Record<string, Rights>> = {
  [labToken]: "write",
  "lab-token-that-only-reads": "read",
  "lab-token-without-rights": "outside",
};
