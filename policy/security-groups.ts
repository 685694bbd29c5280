import { SECURITY_GROUP, SECURITY_GROUP_INGRESS, SECURITY_GROUP_RULE } from "./kinds";
import { isUnknown, objects, type Properties, texts, UNKNOWN, type Value } from "./plain";

/** What opens a security group. */
export const GROUPS: readonly string[] = [SECURITY_GROUP, SECURITY_GROUP_RULE, SECURITY_GROUP_INGRESS];

export interface Door {
  /** As in a rule of ufw: `22`, `5000:6000`; undefined: every port. */
  port: Value;
  from: Value;
}

/** Who gets in where, one source each. */
export function groupDoors(type: string, props: Properties): Door[] {
  if (type === SECURITY_GROUP) return objects(props.ingress).flatMap(opened);
  if (type === SECURITY_GROUP_RULE) return props.type === "ingress" ? opened(props) : [];
  const sources = [props.cidrIpv4, props.cidrIpv6].filter((source) => typeof source === "string");
  return sources.map((from) => ({ port: portOf(props, props.ipProtocol), from }));
}

function opened(rule: Properties): Door[] {
  const sources = [...texts(rule.cidrBlocks), ...texts(rule.ipv6CidrBlocks)];
  return sources.map((from) => ({ port: portOf(rule, rule.protocol), from }));
}

/** All protocols are all ports, whatever is said of those. */
function portOf({ fromPort, toPort }: Properties, protocol: Value): Value {
  if (isUnknown(fromPort) || isUnknown(toPort) || isUnknown(protocol)) return UNKNOWN;
  const known = typeof fromPort === "number" && typeof toPort === "number";
  if (!known || fromPort === 0 || !/^(?:tcp|udp|6|17)$/.test(String(protocol))) return undefined;
  return fromPort === toPort ? String(fromPort) : `${fromPort}:${toPort}`;
}
