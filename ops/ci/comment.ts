/** Longest body that GitHub takes is 65,536 characters; with room for the frame around the plan. */
const LONGEST_PLAN = 59_000;

export interface Plan {
  stack: string;
  /** What `pulumi preview` printed. */
  text: string;
  failed: boolean;
  commit: string;
  /** Where the whole log is. */
  url: string;
}

/** How a later run finds the comment of an earlier one. */
export function marker(stack: string): string {
  return `<!-- plan of ${stack} -->`;
}

/**
 * A preview as the body of a comment: the outcome, what changes in numbers, and the end of the plan, where the summary and
 * the violations are. `secrets`: values that are blotted out wherever they stand; the engine seals its own.
 */
export function renderPlan(plan: Plan, secrets: readonly string[] = []): string {
  const clean = withoutSecrets(withoutControls(plan.text), secrets);
  const shown = tail(clean, LONGEST_PLAN);
  const fence = longerFence(shown);
  return [
    marker(plan.stack),
    `### Plan for \`${plan.stack}\`: ${plan.failed ? "refused" : outcome(clean)}`,
    "",
    `Of ${plan.commit.slice(0, 12)}, [the whole log](${plan.url}).`,
    "",
    `<details><summary>${shown === clean ? "the plan" : "the end of the plan"}</summary>`,
    "",
    `${fence}diff`,
    shown,
    fence,
    "",
    "</details>",
    "",
  ].join("\n");
}

/** `2 to create, 1 to update`: the lines below the last `Resources:`. */
function outcome(text: string): string {
  const lines = text.slice(text.lastIndexOf("\nResources:")).split("\n").slice(2);
  const changes = lines
    .slice(
      0,
      lines.findIndex((line) => !/^ {4}\S/.test(line)),
    )
    .map((line) => line.trim().replace(/^[-+~]+ ?/, ""))
    .filter((line) => / to /.test(line));
  return changes.join(", ") || "no changes";
}

/** The end, from the beginning of a line. */
function tail(text: string, length: number): string {
  if (text.length <= length) return text;
  const end = text.slice(-length);
  return end.slice(end.indexOf("\n") + 1);
}

/** A fence that nothing in the text can close. */
function longerFence(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(longest + 1);
}

function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours and cursor movements are what is looked for
  const plain = text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r/g, "");
  return plain.trim();
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  // Line by line, for a key has several; what is shorter would blot out words.
  const parts = secrets.flatMap((secret) => secret.split("\n")).filter((part) => part.trim().length >= 8);
  return parts.reduce((clean, part) => clean.replaceAll(part, "[secret]"), text);
}
