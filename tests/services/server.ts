/**
 * Servers that tests start for themselves: on a free loopback port, with nothing that stays, stopped
 * by their own pid.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./program.ts";

/** A kind of server that tests can start. */
export interface Service {
  /** `false`, or the reason to skip: it fits the `skip` option of a test. */
  readonly missing: string | false;
  /** Starts one, with arguments besides its own; it answers when this resolves. */
  start(args?: readonly string[]): Promise<Server>;
}

/** A running server. */
export interface Server {
  /** Its port on 127.0.0.1. */
  readonly port: number;
  /** Its own folder, gone when it is stopped. */
  readonly folder: string;
  readonly pid: number;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

/** How a kind of server is started. */
export interface Recipe {
  readonly program: Program;
  /** The user it runs as where the tests run as root, for servers that refuse root. */
  readonly user?: string;
  /** Prepares the folder, before the first start. */
  prepare?(place: Place): void;
  /** Its command line. */
  arguments(place: Place): readonly string[];
  /** Whether it answers. Default: whether something listens on its port. */
  isReady?(place: Place): boolean | Promise<boolean>;
}

/** Where a server is to live. */
export interface Place {
  readonly port: number;
  readonly folder: string;
}

const ATTEMPTS = 3;
const START_MS = 180_000;
const STOP_MS = 60_000;
const POLL_MS = 25;
const GREETING_MS = 30_000;

/** Makes a service of a recipe. */
export function service(recipe: Recipe): Service {
  return Object.freeze({
    missing: recipe.program.missing,
    start: (args: readonly string[] = []) => startAny(recipe, args),
  });
}

/** Runs a program to its end as the user a server runs as; an Error where it fails. */
export function runAs(user: string | undefined, command: readonly string[]): void {
  const [program, ...args] = asUser(user, command);
  const { status, stderr, error } = spawnSync(program!, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Could not run "${command[0]}": ${error ?? stderr}`);
}

/** Another program may take the port between finding it and using it, so a failed start is tried again. */
async function startAny(recipe: Recipe, args: readonly string[]): Promise<Server> {
  for (let attempt = 1;; attempt++) {
    try {
      return await start(recipe, args);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function start(recipe: Recipe, args: readonly string[]): Promise<Server> {
  const place = { port: await freePort(), folder: mkdtempSync(`${tmpdir()}/cairn-server-`) };
  if (recipe.user && isRoot()) runAs(undefined, ["chown", recipe.user, place.folder]);
  const { isReady = ({ port }: Place) => isListening(port) } = recipe;
  const running = { output: "", child: undefined as ChildProcess | undefined };
  const kill = (): void => killProcess(running.child);
  process.once("exit", kill);
  try {
    recipe.prepare?.(place);
    const command = [recipe.program.path, ...recipe.arguments(place), ...args];
    const [program, ...rest] = asUser(recipe.user, command);
    running.child = spawn(program!, rest, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [running.child.stdout!, running.child.stderr!]) {
      stream.on("data", (chunk) => running.output += chunk);
    }
    await answering(running.child, () => isReady(place));
  } catch (error) {
    kill();
    rmSync(place.folder, { recursive: true, force: true });
    throw new Error(`Could not start "${recipe.program.path}": ${error}\n${running.output}`);
  }
  const child = running.child;
  return { ...place, pid: child.pid!, stop: () => stop(child, place.folder, kill) };
}

async function stop(child: ChildProcess, folder: string, kill: () => void): Promise<void> {
  const isOver = new Promise<void>((resolve) => {
    if (hasEnded(child)) resolve();
    else child.once("exit", () => resolve());
  });
  child.kill("SIGTERM");
  const timer = setTimeout(kill, STOP_MS);
  await isOver;
  clearTimeout(timer);
  process.removeListener("exit", kill);
  rmSync(folder, { recursive: true, force: true });
}

/** Waits until the server is ready; an Error where it ends before. */
async function answering(
  child: ChildProcess,
  isReady: () => boolean | Promise<boolean>,
): Promise<void> {
  let failure: unknown;
  child.once("error", (error) => failure = error);
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
    if (failure) throw failure;
    if (hasEnded(child)) throw new Error(`it ended with code ${child.exitCode}`);
    if (await isReady()) return;
    await sleep(POLL_MS);
  }
  throw new Error(`it did not answer within ${START_MS} ms`);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Whether a server greets whoever connects. */
export function isGreeting(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(GREETING_MS);
    const settle = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", settle(true));
    for (const event of ["error", "timeout", "close"]) socket.once(event, settle(false));
  });
}

// By pid, as some runtimes take the second call of a child's own kill for a repetition.
function killProcess(child: ChildProcess | undefined): void {
  if (!child?.pid || hasEnded(child)) return;
  try {
    process.kill(child.pid, "SIGKILL");
  } catch {
    // It has ended in the meantime.
  }
}

/** A port of 127.0.0.1 that nobody uses at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** The command run by another user in the same process, so that its pid is the child's. */
function asUser(user: string | undefined, command: readonly string[]): readonly string[] {
  if (!user || !isRoot()) return command;
  return ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", ...command];
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
