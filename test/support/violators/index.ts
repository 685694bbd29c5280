import { belonging } from "./belonging";
import { bodies } from "./bodies";
import { cloud } from "./cloud";
import { hostFiles } from "./host-files";
import { hosts } from "./hosts";
import { migrations } from "./migrations";
import { othersRoles } from "./others-roles";
import { rights } from "./rights";
import { rows } from "./rows";
import { secrets } from "./secrets";
import type { Violator } from "./types";

export type { Violator } from "./types";

/** What the pack must refuse, rule by rule. */
export const violators: readonly Violator[] = [
  ...[...cloud, ...hosts, ...rights, ...rows, ...migrations],
  ...[...belonging, ...hostFiles, ...othersRoles, ...bodies, ...secrets],
];
