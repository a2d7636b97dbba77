/** What the wheel cache tells its operator. */

/** How much an event matters. */
export type LogLevel = "info" | "warn" | "error";

/**
 * Takes one event: a sentence, and the facts that belong to it. Neither holds credentials. It must
 * not throw.
 */
export type Log = (
  level: LogLevel,
  message: string,
  facts?: Readonly<Record<string, unknown>>,
) => void;

/** The log of those who want none. */
export const noLog: Log = () => {};

/** The message of whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
