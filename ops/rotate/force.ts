import { isDeepStrictEqual } from "node:util";
import {
  Document,
  isMap,
  isScalar,
  isSeq,
  parse,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { failed } from "../exit";

export interface ForcedRotation {
  database: string;
  /** ISO 8601 */
  at: string;
  reason: string;
}

/**
 * The text of a stack's configuration file with further entries in `rotation.forced`. Every other line of it, comments
 * and all, stays as somebody wrote it.
 * @param key `<project>:rotation`
 */
export function withForced(text: string, key: string, entries: readonly ForcedRotation[]): string {
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw failed(`the stack's configuration cannot be read: ${fault.message}`);
  const rotation = document.getIn(["config", key], true);
  if (!isMap(rotation) || !rotation.range) {
    throw failed(`the stack's configuration has no ${key}. Nothing was written`);
  }
  const [start, end] = rotation.range;
  addEntries(document, rotation, entries);
  const changed = splice(text, start, end, rotation);
  if (!isDeepStrictEqual(parse(changed), document.toJS())) {
    throw failed(`${key} is written in a form that cannot be added to. Add to its list forced by hand`);
  }
  return changed;
}

function addEntries(document: Document, rotation: YAMLMap, entries: readonly ForcedRotation[]): void {
  // On a line of its own each: the list is read by people after an incident.
  rotation.flow = false;
  if (!isSeq(rotation.get("forced"))) rotation.set("forced", document.createNode([]));
  const forced = rotation.get("forced") as YAMLSeq;
  forced.flow = false;
  for (const entry of entries) forced.add(quoted(document, entry));
}

/** Pulumi's reader would make a time of a bare moment, and hand that on written otherwise. */
function quoted(document: Document, entry: ForcedRotation): YAMLMap {
  const node = document.createNode(entry) as unknown as YAMLMap;
  for (const name of ["at", "reason"]) {
    const value = node.get(name, true);
    if (isScalar(value)) value.type = Scalar.QUOTE_DOUBLE;
  }
  return node;
}

/** Puts the map, now with a line for each key, in the place of the text from `start` to `end`. */
function splice(text: string, start: number, end: number, map: YAMLMap): string {
  const fragment = new Document();
  fragment.contents = map as typeof fragment.contents;
  const lines = fragment.toString({ lineWidth: 0 }).trimEnd().split("\n");
  const before = text.slice(0, start);
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const ownLine = line.trim() === "";
  // Beside its key it moves to the lines below; on lines of its own it keeps their indentation.
  const indentation = ownLine ? line : `${/^ */.exec(line)?.[0]}  `;
  const rendered = lines.join(`\n${indentation}`);
  const tail = text.slice(end - 1, end) === "\n" ? "\n" : "";
  return `${ownLine ? before : `${before.trimEnd()}\n${indentation}`}${rendered}${tail}${text.slice(end)}`;
}
