/** Frames that are kept: the five of the SDK, which it leaves out again, and two of ours. */
const FRAMES = 7;

/**
 * Makes the stacks cheap that the SDK takes for its own use: one for every promise it makes, and one without a limit for
 * every resource, all of which goes into the state. Each frame of them would be looked up in source maps, and the engine
 * writes the whole state anew after every step. They are known by their empty message; any other error is left as it is.
 */
export function keepStacksShort(): void {
  const render = Error.prepareStackTrace;
  if (!render) return;
  Error.prepareStackTrace = (error, frames) =>
    error.message === "" && error.name === "Error" ? plainStack(frames) : render(error, frames);
}

function plainStack(frames: NodeJS.CallSite[]): string {
  return ["Error", ...frames.slice(0, FRAMES).map((frame) => `    at ${frame}`)].join("\n");
}
