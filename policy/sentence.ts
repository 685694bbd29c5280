const WORDS = 5;
const CHARACTERS = 24;

/** Whether a text can be a reason: words that differ, and enough of them to say something. */
export function isSentence(text: unknown): boolean {
  if (typeof text !== "string" || text.trim().length < CHARACTERS) return false;
  const words = text.toLowerCase().match(/\p{L}{2,}/gu) ?? [];
  return new Set(words).size >= WORDS;
}
