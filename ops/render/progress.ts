import type { Io } from "../io";
import { ANEW } from "./printable";

const QUIET_MS = 2_000;

export interface Progress {
  /** Shows `text`, once two seconds have passed. */
  show(text: string): void;
  /** Takes the line away. */
  end(): void;
}

/** A live line on stderr for what takes longer than two seconds; nothing at all where stderr is no terminal. */
export function startProgress(io: Pick<Io, "err" | "liveStderr">, text: string): Progress {
  if (!io.liveStderr) return { show: () => {}, end: () => {} };
  let current = text;
  let visible = false;
  const draw = () => io.err(`${ANEW}${current}`);
  const timer = setTimeout(() => {
    visible = true;
    draw();
  }, QUIET_MS);
  return {
    show(next) {
      current = next;
      if (visible) draw();
    },
    end() {
      clearTimeout(timer);
      if (visible) io.err(ANEW);
      visible = false;
    },
  };
}
