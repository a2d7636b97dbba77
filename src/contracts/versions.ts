/**
 * Versions of Python packages: their syntax, normal form and order.
 *
 * PEP 440 (now the packaging specification "Version specifiers") allows many spellings of one
 * version, e.g. `v1.0-RC.1` for `1.0rc1`, and orders versions by epoch, release, pre-release,
 * post-release, development release and local label, where an absent part does not simply sort
 * first: `1.0.dev1 < 1.0a1 < 1.0 < 1.0+local < 1.0.post1`.
 *
 * A version is therefore turned once into a key of ASCII text, and everything that compares,
 * sorts or indexes compares keys as bytes. A number in a key is preceded by its count of digits,
 * so that 9 comes before 10 and no number is too large; each absent part has a letter of its own
 * at its place in the order. Trailing zeros of the release are dropped, so equal versions have
 * equal keys.
 *
 * Text that is no PEP 440 version, such as the `2004d` of an old time-zone package, is called a
 * legacy version. It is kept as it is, and sorts below every proper version.
 */

/** The parts of a version. Numbers are decimal digits without leading zeros, of any length. */
export interface Version {
  /** The epoch; `"0"` unless stated. */
  readonly epoch: string;
  /** The numbers of the release segment, as many as were stated. */
  readonly release: readonly string[];
  /** The pre-release, if it is one. */
  readonly pre: Prerelease | undefined;
  /** The number of the post-release, if it is one. */
  readonly post: string | undefined;
  /** The number of the development release, if it is one. */
  readonly dev: string | undefined;
  /** The segments of the local label, in lower case, if there is one. */
  readonly local: readonly string[] | undefined;
}

/** A pre-release: its phase and number. */
export interface Prerelease {
  /** Alpha, beta or release candidate. */
  readonly phase: "a" | "b" | "rc";
  /** Its number, as decimal digits. */
  readonly number: string;
}

/** Longer text is a legacy version. It is also what the index tables can hold. */
const LONGEST_VERSION = 1000;

/** Blanks around it are Python's, which has a few more than JavaScript. */
const PATTERN = new RegExp(
  "^[\\s\\x1c-\\x1f\\x85]*v?" +
    "(?:(?<epoch>[0-9]+)!)?" +
    "(?<release>[0-9]+(?:\\.[0-9]+)*)" +
    "(?:[._-]?(?<phase>alpha|a|beta|b|preview|pre|c|rc)[._-]?(?<pre>[0-9]+)?)?" +
    "(?:-(?<implicitPost>[0-9]+)|[._-]?(?<postWord>post|rev|r)[._-]?(?<post>[0-9]+)?)?" +
    "(?:[._-]?(?<devWord>dev)[._-]?(?<dev>[0-9]+)?)?" +
    "(?:\\+(?<local>[a-z0-9]+(?:[._-][a-z0-9]+)*))?" +
    "[\\s\\x1c-\\x1f\\x85]*$",
  "i",
);

const PHASES: Readonly<Record<string, Prerelease["phase"]>> = Object.freeze({
  a: "a",
  alpha: "a",
  b: "b",
  beta: "b",
  c: "rc",
  rc: "rc",
  pre: "rc",
  preview: "rc",
});

/**
 * The parts of a version, or `undefined` for a legacy one (also for text longer than 1,000
 * characters). Source: PEP 440, appendix B.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseVersion } from "@cairn/cache/wheels";
 *
 * assert.deepEqual(parseVersion("1.0-RC.2")?.pre, { phase: "rc", number: "2" });
 * assert.equal(parseVersion("2004d"), undefined);
 * ```
 */
export function parseVersion(text: string): Version | undefined {
  if (text.length > LONGEST_VERSION) return undefined;
  const found = PATTERN.exec(text)?.groups;
  if (found === undefined) return undefined;
  const phase = PHASES[found["phase"]?.toLowerCase() ?? ""];
  return {
    epoch: withoutZeros(found["epoch"] ?? "0"),
    release: found["release"]!.split(".").map(withoutZeros),
    pre: phase && { phase, number: withoutZeros(found["pre"] ?? "0") },
    post: numberOf(found["implicitPost"] ?? found["post"], found["postWord"]),
    dev: numberOf(found["dev"], found["devWord"]),
    local: found["local"]?.toLowerCase().split(/[._-]/).map(withoutZerosIfNumber),
  };
}

/** The one way to write a version: `v1.0-RC.1` is `1.0rc1`. Release zeros are kept. */
export function formatVersion(version: Version): string {
  const { epoch, release, pre, post, dev, local } = version;
  let text = epoch === "0" ? "" : `${epoch}!`;
  text += release.join(".");
  if (pre !== undefined) text += pre.phase + pre.number;
  if (post !== undefined) text += `.post${post}`;
  if (dev !== undefined) text += `.dev${dev}`;
  if (local !== undefined) text += `+${local.join(".")}`;
  return text;
}

/**
 * The normal form of a version. A legacy version is answered unchanged.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { normalizeVersion } from "@cairn/cache/wheels";
 *
 * assert.equal(normalizeVersion("v1.0-RC.1"), "1.0rc1");
 * assert.equal(normalizeVersion("2004d"), "2004d");
 * ```
 */
export function normalizeVersion(text: string): string {
  const version = parseVersion(text);
  return version === undefined ? text : formatVersion(version);
}

/**
 * Compares two versions by PEP 440, legacy ones below all others and among themselves in natural
 * order. Negative, 0 or positive, as `Array.prototype.sort` wants it. To sort many, take
 * {@linkcode sortedByVersion}, which parses each text once.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { compareVersions } from "@cairn/cache/wheels";
 *
 * const versions = ["1.10", "1.9", "1.9.post1", "1.9rc1", "2004d"];
 * assert.deepEqual(versions.sort(compareVersions), ["2004d", "1.9rc1", "1.9", "1.9.post1", "1.10"]);
 * assert.equal(compareVersions("1.0", "1.0.0"), 0);
 * ```
 */
export function compareVersions(a: string, b: string): number {
  return compareKeys(versionKey(a), versionKey(b));
}

/** The items in ascending order of their versions. Items of equal versions keep their order. */
export function sortedByVersion<T>(items: Iterable<T>, versionOf: (item: T) => string): T[] {
  const keyed = Array.from(items, (item) => ({ item, key: versionKey(versionOf(item)) }));
  keyed.sort((a, b) => compareKeys(a.key, b.key));
  return keyed.map(({ item }) => item);
}

/** Whether it is an alpha, beta, candidate or development release. A legacy version is not. */
export function isPrerelease(text: string): boolean {
  const version = parseVersion(text);
  return version !== undefined && isPrereleaseVersion(version);
}

/** {@linkcode isPrerelease} of a version already parsed. */
export function isPrereleaseVersion(version: Version): boolean {
  return version.pre !== undefined || version.dev !== undefined;
}

/**
 * A key of printable ASCII that sorts, as bytes or as text, where its version does. Versions that
 * PEP 440 holds equal have the same key.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { versionKey } from "@cairn/cache/wheels";
 *
 * assert.ok(versionKey("1.9") < versionKey("1.10"));
 * assert.ok(versionKey("1.0.dev1") < versionKey("1.0a1"));
 * assert.equal(versionKey("1.0"), versionKey("v1"));
 * ```
 */
export function versionKey(text: string): string {
  const version = parseVersion(text);
  return version === undefined ? legacyKey(text) : keyOfVersion(version);
}

/** {@linkcode versionKey} of a version already parsed. */
export function keyOfVersion(version: Version): string {
  const release = withoutTrailingZeros(version.release).map(numberKey).join("");
  const local = version.local === undefined ? "" : "+" + version.local.map(localKey).join("");
  return `${numberKey(version.epoch)}${release}.${preKey(version)}${postKey(version)}` +
    `${version.dev === undefined ? "z" : "d" + numberKey(version.dev)}${local}`;
}

function preKey({ pre, post, dev }: Version): string {
  if (pre !== undefined) return pre.phase[0] + numberKey(pre.number);
  return post === undefined && dev !== undefined ? "-" : "z";
}

function postKey({ post }: Version): string {
  return post === undefined ? "-" : "p" + numberKey(post);
}

/** Text segments come before numbers; a dot ends a text below every letter and digit. */
function localKey(segment: string): string {
  return isNumber(segment) ? "n" + numberKey(segment) : `a${segment}.`;
}

/** Digits after their count: one character up to eight digits, else `9` and a counted count. */
function numberKey(digits: string): string {
  const count = String(digits.length);
  return digits.length <= 8 ? count + digits : `9${count.length}${count}${digits}`;
}

/** Below every other key, since those begin with a digit. Numbers within compare as numbers. */
function legacyKey(text: string): string {
  const ascii = encodeURIComponent(text.toWellFormed().toLowerCase());
  const parts = ascii.match(/[0-9]+|[^0-9]+/g) ?? [];
  return "!" + parts.map((part) => isNumber(part) ? numberKey(withoutZeros(part)) : part).join("");
}

function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function numberOf(digits: string | undefined, word: string | undefined): string | undefined {
  if (digits !== undefined) return withoutZeros(digits);
  return word === undefined ? undefined : "0";
}

function withoutTrailingZeros(release: readonly string[]): readonly string[] {
  let length = release.length;
  while (length > 0 && release[length - 1] === "0") length--;
  return release.slice(0, length);
}

function withoutZerosIfNumber(segment: string): string {
  return isNumber(segment) ? withoutZeros(segment) : segment;
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=[0-9])/, "");
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}
