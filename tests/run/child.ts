/**
 * Programs started by the runner, each stopped by its own process group.
 *
 * A child leads a group of its own, so whatever it started (a server under test, a browser) ends
 * with it: on its own end, when its time is up, and when the runner itself is stopped.
 */

/** How a child ended. */
export interface Ended {
  /** The exit code; `undefined` where its time ran out. */
  readonly code: number | undefined;
  /** What it wrote to standard output and standard error, at most 16 MB of it. */
  readonly output: string;
}

/** How a child is to run. */
export interface ChildOptions {
  /** After so many milliseconds it is stopped. */
  readonly limitMs: number;
  /** Variables besides those of the runner. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const OUTPUT_BYTES = 16 << 20;
const GRACE_MS = 5_000;
const HAS_GROUPS = Deno.build.os !== "windows";

const living = new Set<Deno.ChildProcess>();

/** Runs a command to its end, or to the end of its time. */
export async function run(command: readonly string[], options: ChildOptions): Promise<Ended> {
  const child = spawn(command, options);
  living.add(child);
  const written = { text: "" };
  const reading = Promise.all([read(child.stdout, written), read(child.stderr, written)]);
  const time = stopLater(child, options.limitMs);
  const { code } = await child.status;
  time.cancel();
  signal(child, "SIGKILL");
  living.delete(child);
  // A daemon that left the group may hold the pipes open for ever.
  await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, GRACE_MS))]);
  return { code: time.isUp() ? undefined : code, output: written.text };
}

/** Stops every child there is, at once. */
export function stopAll(): void {
  for (const child of living) signal(child, "SIGKILL");
}

/** Stops the children and ends the runner when somebody interrupts it. */
export function stopAllWhenInterrupted(): void {
  const signals: Deno.Signal[] = HAS_GROUPS ? ["SIGINT", "SIGTERM", "SIGHUP"] : ["SIGINT"];
  for (const name of signals) {
    Deno.addSignalListener(name, () => {
      stopAll();
      Deno.exit(130);
    });
  }
  globalThis.addEventListener("unload", stopAll);
}

function spawn(command: readonly string[], { env, cwd }: ChildOptions): Deno.ChildProcess {
  const [program, ...args] = command;
  return new Deno.Command(program!, {
    args,
    env: { NO_COLOR: "1", ...env },
    ...(cwd ? { cwd } : {}),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: HAS_GROUPS,
  }).spawn();
}

function stopLater(
  child: Deno.ChildProcess,
  limitMs: number,
): { isUp(): boolean; cancel(): void } {
  let isUp = false;
  const asked = setTimeout(() => {
    isUp = true;
    signal(child, "SIGTERM");
  }, limitMs);
  const forced = setTimeout(() => signal(child, "SIGKILL"), limitMs + GRACE_MS);
  return {
    isUp: () => isUp,
    cancel(): void {
      clearTimeout(asked);
      clearTimeout(forced);
    },
  };
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    if (HAS_GROUPS) Deno.kill(-child.pid, name);
    else child.kill(name);
  } catch (error) {
    // Nobody of the group is left.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

async function read(stream: ReadableStream<Uint8Array>, written: { text: string }): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    if (written.text.length < OUTPUT_BYTES) written.text += decoder.decode(chunk, { stream: true });
  }
}
