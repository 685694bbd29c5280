import { isUnknown, object, objects, type Properties, type Value } from "./plain";

/** Numbers, ranges and lists of them, as ufw takes them. */
export const PORT = /^[1-9]\d*(?::[1-9]\d*)?(?:,[1-9]\d*(?::[1-9]\d*)?)*$/;

/** The ports that a rule is about: `22`, `"5000:6000"`, `"22,80:90"`. No port is every port; of one that is not known, nothing. */
export function portRanges(port: Value): [first: number, last: number][] {
  if (isUnknown(port)) return [];
  if (!isSaid(port)) return [[0, 65_535]];
  return String(port)
    .split(",")
    .map((part) => {
      const [first = Number.NaN, last = first] = part.split(":").map(Number);
      return [first, last];
    });
}

/** The rules of a host's firewall that let in. One that says both, or nothing, counts: it must not slip through. */
export function incoming(props: Properties): Properties[] {
  return all(props).filter(({ from, to }) => isSaid(from) || !isSaid(to));
}

/** The rules of a host's firewall that let out. */
export function outgoing(props: Properties): Properties[] {
  return all(props).filter(({ to }) => isSaid(to));
}

function all(props: Properties): Properties[] {
  return objects(Object.values(object(props.rules)));
}

function isSaid(value: Properties[string]): boolean {
  return value !== undefined && value !== null;
}
