import { BUCKET, IAM_ROLE, IAM_USER, KMS_KEY, SECURITY_GROUP } from "../kinds";
import { isUnknown, object, parsed } from "../plain";
import { type Declared, resourceRule } from "../rule";
import { textList } from "../settings";

interface Config {
  required: string[];
  defaults: Record<string, string>;
}

export const tagsComplete = resourceRule<Config>({
  name: "tags-complete",
  description: "A resource in the cloud says who owns it and whom to ask about the data in it.",
  severity: "low",
  remediationSteps: "Set `tags` of the stack: they go on every resource.",
  config: {
    required: textList("Tags that every resource has", ["owner", "data-protection-contact"]),
    defaults: {
      type: "object",
      additionalProperties: { type: "string" },
      default: {},
      description: "Values for tags that are missing; with them the rule also mends",
    },
  },
  types: [BUCKET, IAM_ROLE, IAM_USER, KMS_KEY, SECURITY_GROUP],
  *faults(resource, { required }) {
    for (const tag of missing(resource, required)) yield `tags hold no "${tag}"`;
  },
  mend(resource, { required, defaults }) {
    const added = missing(resource, required).flatMap((tag) => (defaults[tag] ? [[tag, defaults[tag]]] : []));
    if (added.length === 0) return undefined;
    return { tags: { ...object(resource.props.tags), ...Object.fromEntries(added) } };
  },
});

function missing({ props, provider }: Declared, required: string[]): string[] {
  const defaultTags = parsed(provider.defaultTags);
  if (isUnknown(props.tags) || isUnknown(defaultTags)) return [];
  const tags = { ...object(object(defaultTags).tags), ...object(props.tags) };
  return required.filter((tag) => String(tags[tag] ?? "").trim() === "");
}
