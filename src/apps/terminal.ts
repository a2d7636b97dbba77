/** What the programs write for people at a terminal. */

import process from "node:process";
import { systemClock } from "../contracts/clock.ts";
import type { Log, LogLevel } from "../wheels/log.ts";

const COLORS: Readonly<Record<LogLevel | "dim" | "bold", string>> = {
  info: "32",
  warn: "33",
  error: "31",
  dim: "2",
  bold: "1",
};

/** Writes a line to standard output. */
export function say(line: string = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Writes a line to standard error. */
export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The text in a colour or weight, where standard output is a terminal that wants one. */
export function painted(text: string, style: keyof typeof COLORS): string {
  const isPlain = !process.stdout.isTTY || process.env["NO_COLOR"] !== undefined;
  return isPlain ? text : `\x1b[${COLORS[style]}m${text}\x1b[0m`;
}

/**
 * A log of one line for each event: `time  level  message  fact=value …`. Control characters, which
 * an upstream or an archive may bring along, are written as their code points.
 */
export const terminalLog: Log = (level, message, facts = {}) => {
  const time = new Date(systemClock.now()).toISOString().slice(11, 19);
  const details = Object.entries(facts).map(([name, value]) => `${name}=${plain(value)}`);
  const columns = [painted(time, "dim"), painted(level.padEnd(5), level), visible(message)];
  if (details.length > 0) columns.push(painted(visible(details.join(" ")), "dim"));
  say(columns.join("  "));
};

/** A text with its control characters written as their code points. */
export function visible(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function plain(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}
