import type { Member } from "./policy";
import type { Recorded } from "./record";

/** The resources of a recorded program as the engine shows them to a policy pack. */
export function membersOf(recorded: readonly Recorded[]): Member[] {
  const byUrn = new Map(recorded.map((one) => [one.options.urn, one]));
  return recorded.map(({ type, name, inputs, state, options }) => {
    const sources = Object.entries(options.madeFrom).map(([property, urns]) => [
      property,
      urns.flatMap((urn) => {
        const source = byUrn.get(urn);
        return source ? [`${source.type} ${source.name}`] : [];
      }),
    ]);
    const provider = byUrn.get(options.provider)?.inputs;
    return {
      type,
      name,
      props: inputs,
      outputs: state,
      protect: options.protect,
      ignoreChanges: options.ignoreChanges,
      additionalSecretOutputs: options.additionalSecretOutputs,
      madeFrom: Object.fromEntries(sources),
      ...(provider && { provider }),
    };
  });
}
