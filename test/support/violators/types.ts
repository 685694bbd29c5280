import type { Member } from "../policy";

type Props = Record<string, unknown>;

/** A program's fault of which the pack must say something, by the rule's name. */
export interface Violator {
  rule: string;
  /** What it is, for who reads the test's output. */
  is: string;
  /** Resources beside those of its kind that are right. */
  members: Member[];
  config?: Record<string, object>;
}

/** Makes violators of one rule from a resource that is right: each by what it has otherwise. */
export function of(
  rule: string,
  right: Omit<Member, "name">,
  changes: Record<string, Props | Partial<Member>>,
): Violator[] {
  return Object.entries(changes).map(([is, change]) => {
    const whole =
      "props" in change && typeof change.props === "object"
        ? (change as Partial<Member>)
        : { props: change as Props };
    return {
      rule,
      is,
      members: [{ ...right, ...whole, name: "it", props: { ...right.props, ...whole.props } } as Member],
    };
  });
}
