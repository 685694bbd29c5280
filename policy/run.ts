import { createRequire } from "node:module";

interface StackRequest {
  getDryRun(): boolean;
  getTagsMap(): unknown;
}

/** Until the engine says that it is a preview, it is none: what must be known is asked for. */
let preview = false;

/** Whether the engine only previews. */
export function isPreview(): boolean {
  return preview;
}

/** For tests of rules; in a run the engine says it. */
export function sayPreview(is: boolean): void {
  preview = is;
}

// The engine sends it with the stack's tags, and @pulumi/policy hands out the tags alone.
const { AnalyzerStackConfigureRequest } = createRequire(__filename)("@pulumi/pulumi/proto/analyzer_pb") as {
  AnalyzerStackConfigureRequest: { prototype: StackRequest };
};
const request = AnalyzerStackConfigureRequest.prototype;
const { getTagsMap } = request;
request.getTagsMap = function (this: StackRequest) {
  sayPreview(this.getDryRun());
  return getTagsMap.call(this);
};
