import { type Answer, lastLines } from "../operator";

/** What is wrong with a refusal; none: it came, with this code and for this reason. */
export function mustRefuse(answer: Answer, code: number, words: RegExp): string[] {
  const said = `${answer.stdout}\n${answer.stderr}`;
  if (answer.code !== code) return [`it ended with ${answer.code}, not ${code}\n${lastLines(answer)}`];
  return words.test(said) ? [] : [`it said nothing like ${words.source}\n${lastLines(answer)}`];
}
