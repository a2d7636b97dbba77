/**
 * PyPICloud's keys in a cluster, as a copy of the index that lies in one slot.
 *
 * No step spans two servers, so two writers may copy at once, and the slower one its older state:
 * 1. A reads the row. 2. B changes the row, reads it, and copies it. 3. A copies what it had read.
 * Therefore whoever has copied reads the row again, and copies until it is what was copied: A finds
 * B's row in its second round. A copy is behind while a change is under way, and where its writer died
 * until the file is changed again.
 */

import type { RedisCommand, RedisReply } from "../redis/commands.ts";

/** Runs commands in one trip. */
export type RunCommands = (commands: readonly RedisCommand[]) => Promise<RedisReply[]>;

/** How many files are copied in one trip. */
const filesPerTrip = 500;

/** How often a row may change while it is copied, before that is left to those who change it. */
const rounds = 8;

const original = "{pypicloud}:";
const copy = "pypicloud:";

/** Brings the copy of files, and of their projects, into agreement with the index. */
export async function copyFiles(run: RunCommands, filenames: readonly string[]): Promise<void> {
  for (let start = 0; start < filenames.length; start += filesPerTrip) {
    let late = filenames.slice(start, start + filesPerTrip);
    for (let round = 0; late.length > 0 && round < rounds; round++) {
      late = await copyOnce(run, late);
    }
  }
}

/** The files that the copy knows of. */
export async function copiedFiles(run: RunCommands): Promise<string[]> {
  const [names] = await run([["SMEMBERS", `${copy}set`]]);
  const sets = textsOf(names).map((name): RedisCommand => ["SMEMBERS", `${copy}set:${name}`]);
  return (await run(sets)).flatMap(textsOf);
}

/** Copies each once; answers those that have changed meanwhile. */
async function copyOnce(run: RunCommands, filenames: readonly string[]): Promise<string[]> {
  const rows = await run(hashes(original, filenames));
  const old = await run(filenames.map((file) => ["HGET", `${copy}package:${file}`, "name"]));
  const projects = new Set<string>();
  const commands = filenames.flatMap((file, at) => {
    const fields = textsOf(rows[at]);
    const [from, to] = [textOf(old[at]), fields[fields.indexOf("name") + 1] ?? ""];
    for (const name of [from, to]) if (name !== "") projects.add(name);
    return rowCommands(file, fields, { from, to });
  });
  await run(commands);
  await copyProjects(run, [...projects]);
  const now = await run(hashes(original, filenames));
  return filenames.filter((_, at) => textsOf(now[at]).join("\n") !== textsOf(rows[at]).join("\n"));
}

function rowCommands(
  file: string,
  fields: readonly string[],
  { from, to }: { readonly from: string; readonly to: string },
): RedisCommand[] {
  const key = `${copy}package:${file}`;
  const commands: RedisCommand[] = [["DEL", key]];
  if (fields.length > 0) {
    commands.push(["HSET", key, ...fields], ["SADD", `${copy}set:${to}`, file]);
  }
  if (from !== "" && from !== to) commands.push(["SREM", `${copy}set:${from}`, file]);
  return commands;
}

async function copyProjects(run: RunCommands, names: readonly string[]): Promise<void> {
  const summaries = await run(names.map((name) => ["HGETALL", `${original}summary:${name}`]));
  await run(names.flatMap((name, at): RedisCommand[] => {
    const fields = textsOf(summaries[at]);
    const key = `${copy}summary:${name}`;
    if (fields.length === 0) return [["DEL", key], ["SREM", `${copy}set`, name]];
    return [["HSET", key, ...fields], ["SADD", `${copy}set`, name]];
  }));
}

function hashes(root: string, filenames: readonly string[]): RedisCommand[] {
  return filenames.map((file) => ["HGETALL", `${root}package:${file}`]);
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function textOf(reply: RedisReply | undefined): string {
  return reply instanceof Uint8Array ? decoder.decode(reply) : "";
}

function textsOf(reply: RedisReply | undefined): string[] {
  return (reply as readonly RedisReply[]).map(textOf);
}
