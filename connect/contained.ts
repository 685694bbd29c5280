import type { Duplex } from "node:stream";

/**
 * A client's library takes apart what a server says within the socket's own event. Where it throws there, as at an answer that no server
 * of ours gives, nobody could catch it and the process would end, with all that it does for other servers: it ends this connection.
 */
export function contained<S extends Duplex>(socket: S): S {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...values: unknown[]) => boolean;
  const containing = (event: string | symbol, ...values: unknown[]): boolean => {
    try {
      return emit(event, ...values);
    } catch (error) {
      if (event !== "data" && event !== "readable") throw error;
      socket.destroy(
        new Error(`the server's answer is none (${error instanceof Error ? error.message : error})`),
      );
      return true;
    }
  };
  return Object.defineProperty(socket, "emit", { value: containing });
}

interface MessageReader {
  offset: number;
  buffer: Buffer;
  string(length: number): string;
}

/** pg-protocol 1 reads an error that has no end for ever, in one go that no timeout ends: past the end of what came it fails. */
export async function endPostgresMessages(): Promise<void> {
  const { BufferReader } = await import("pg-protocol/dist/buffer-reader.js");
  const reader = BufferReader.prototype as unknown as MessageReader;
  if (Object.hasOwn(reader, ENDED)) return;
  const { string } = reader;
  reader.string = function (length) {
    if (this.offset + length > this.buffer.length) throw new Error("a message ends too early");
    return string.call(this, length);
  };
  Object.defineProperty(reader, ENDED, { value: true });
}

interface ReplyTaker {
  shiftCommand(reply: unknown): unknown;
}

/** ioredis 6 throws, where nobody can catch it, at a reply of nothing that nobody asked for. */
export async function endRedisReplies(): Promise<void> {
  const { default: DataHandler } = await import("ioredis/built/DataHandler.js");
  const taker = DataHandler.prototype as unknown as ReplyTaker;
  if (Object.hasOwn(taker, ENDED)) return;
  const { shiftCommand } = taker;
  taker.shiftCommand = function (reply) {
    return shiftCommand.call(this, reply ?? "nothing");
  };
  Object.defineProperty(taker, ENDED, { value: true });
}

const ENDED = Symbol("ended");
