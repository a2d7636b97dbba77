/**
 * `node:test` for runtimes that have none: as much of it as the portable tests use.
 *
 * Importing a test file only records its tests. `runFile` runs them one after another and answers
 * with plain data, which a Worker can send and a page can return. The bodies of `describe` run
 * then too, as a Worker allows neither chance nor timers while it loads.
 */

/** One test and how it ended; the runner adds what it knows besides. */
export interface Outcome {
  readonly name: string;
  readonly file: string;
  readonly status: "passed" | "failed" | "skipped";
  readonly reason?: string;
}

/** The options of `node:test` that are understood. */
export interface TestOptions {
  readonly skip?: boolean | string;
  readonly todo?: boolean | string;
  readonly timeout?: number;
}

/** What a test is handed. */
export interface TestContext {
  readonly name: string;
  test(name: string, ...rest: Rest): Promise<void>;
  diagnostic(message: string): void;
}

type Body = (context: TestContext) => unknown;
type Rest = [Body?] | [TestOptions, Body?];
type Hook = () => unknown;
type Hooks = Record<"before" | "after" | "beforeEach" | "afterEach", Hook[]>;

interface Registered {
  readonly name: string;
  readonly kind: "group" | "test";
  readonly options: TestOptions;
  readonly body: Body;
}

interface Group {
  readonly path: readonly string[];
  readonly hooks: Hooks;
  readonly members: Registered[];
  readonly outer: Group | undefined;
}

/** What is told of a test before it runs. */
export type Began = (name: string) => void;

const DEFAULT_LIMIT_MS = 180_000;
const files = new Map<string, Group>();
let current = newGroup([], undefined);
let began: Began = () => {};

/** Says which file's tests are recorded from now on. */
export function enterFile(file: string): void {
  current = newGroup([], undefined);
  files.set(file, current);
}

/** Runs the tests of one file in order, and tells of each before it does. */
export async function runFile(file: string, tell: Began = () => {}): Promise<Outcome[]> {
  const group = files.get(file);
  if (!group) throw new RangeError(`Cannot run "${file}": it was not loaded`);
  began = tell;
  const outcomes: Omit<Outcome, "file">[] = [];
  await runGroup(group, outcomes);
  return outcomes.map((outcome) => ({ ...outcome, file }));
}

/** Records a group. */
export const describe = withVariants("group");
/** Records a group. */
export const suite = describe;
/** Records a test. */
export const it = withVariants("test");
/** Records a test. */
export const test = it;

/** Records a hook. */
export const before = (hook: Hook): unknown => current.hooks.before.push(hook);
/** Records a hook. */
export const after = (hook: Hook): unknown => current.hooks.after.push(hook);
/** Records a hook. */
export const beforeEach = (hook: Hook): unknown => current.hooks.beforeEach.push(hook);
/** Records a hook. */
export const afterEach = (hook: Hook): unknown => current.hooks.afterEach.push(hook);

export default it;

type Register = (name: string, ...rest: Rest) => void;

function withVariants(kind: Registered["kind"]): Register & { skip: Register; todo: Register } {
  const register = (extra: TestOptions): Register => (name, ...rest) => {
    const [options, body] = normalized(rest);
    current.members.push({ name, kind, options: { ...options, ...extra }, body });
  };
  const plain = register({}) as Register & { skip: Register; todo: Register };
  return Object.assign(plain, { skip: register({ skip: true }), todo: register({ todo: true }) });
}

function normalized(rest: Rest): [TestOptions, Body] {
  const [first, second] = rest;
  if (typeof first === "function") return [{}, first];
  return [first ?? {}, second ?? (() => {})];
}

function newGroup(path: readonly string[], outer: Group | undefined): Group {
  return {
    path,
    hooks: { before: [], after: [], beforeEach: [], afterEach: [] },
    members: [],
    outer,
  };
}

type Outcomes = Omit<Outcome, "file">[];

async function runGroup(group: Group, outcomes: Outcomes): Promise<void> {
  const broken = await attempt(() => inTurn(group.hooks.before));
  for (const member of group.members) {
    const path = [...group.path, member.name];
    if (broken) outcomes.push(failed(path, broken.error));
    else if (member.kind === "group") await openGroup(group, member, outcomes);
    else await runTest(group, member, outcomes);
  }
  const unclean = await attempt(() => inTurn(group.hooks.after));
  if (unclean) outcomes.push(failed([...group.path, "after"], unclean.error));
}

async function openGroup(outer: Group, member: Registered, outcomes: Outcomes): Promise<void> {
  const path = [...outer.path, member.name];
  if (isLeftOut(member)) return void outcomes.push(leftOut(path, member));
  const group = newGroup(path, outer);
  const broken = await attempt(async () => {
    current = group;
    await member.body(contextOf(path, outcomes));
  });
  if (broken) outcomes.push(failed(path, broken.error));
  else await runGroup(group, outcomes);
}

async function runTest(group: Group, member: Registered, outcomes: Outcomes): Promise<void> {
  const path = [...group.path, member.name];
  if (isLeftOut(member)) return void outcomes.push(leftOut(path, member));
  const limitMs = member.options.timeout ?? DEFAULT_LIMIT_MS;
  began(path.join(" > "));
  const start = outcomes.length;
  const broken = await attempt(async () => {
    await inTurn(hooksOf(group, "beforeEach").reverse().flat());
    await within(limitMs, () => member.body(contextOf(path, outcomes)));
  });
  const unclean = await attempt(() => inTurn(hooksOf(group, "afterEach").flat()));
  const problem = broken ?? unclean;
  const hasSubtests = outcomes.length > start;
  if (problem) outcomes.push(failed(path, problem.error));
  else if (!hasSubtests) outcomes.push({ name: path.join(" > "), status: "passed" });
}

function contextOf(path: readonly string[], outcomes: Outcomes): TestContext {
  return {
    name: path.at(-1) ?? "",
    diagnostic: () => {},
    async test(name, ...rest): Promise<void> {
      const [options, body] = normalized(rest);
      await runTest(newGroup(path, undefined), { name, kind: "test", options, body }, outcomes);
    },
  };
}

/** The hooks of a group and of those around it, innermost first. */
function hooksOf(group: Group, kind: keyof Hooks): Hook[][] {
  const found: Hook[][] = [];
  for (let at: Group | undefined = group; at; at = at.outer) found.push(at.hooks[kind]);
  return found;
}

async function inTurn(hooks: readonly Hook[]): Promise<void> {
  for (const hook of hooks) await hook();
}

async function attempt(work: () => Promise<void>): Promise<{ error: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

async function within(limitMs: number, work: () => unknown): Promise<void> {
  let timer: unknown;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`Test stopped: it took longer than ${limitMs} ms`);
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer as number);
  }
}

function isLeftOut({ options: { skip, todo } }: Registered): boolean {
  return (skip ?? false) !== false || (todo ?? false) !== false;
}

function leftOut(path: readonly string[], { options }: Registered): Outcomes[number] {
  const reason = options.skip ?? options.todo;
  const said = typeof reason === "string" ? { reason } : {};
  return { name: path.join(" > "), status: "skipped", ...said };
}

function failed(path: readonly string[], error: unknown): Outcomes[number] {
  const reason = error instanceof Error ? error.stack ?? error.message : String(error);
  return { name: path.join(" > "), status: "failed", reason: messageIn(error, reason) };
}

/** Some engines leave the message out of the stack. */
function messageIn(error: unknown, stack: string): string {
  const message = error instanceof Error ? error.message : "";
  return stack.includes(message) ? stack : `${message}\n${stack}`;
}
