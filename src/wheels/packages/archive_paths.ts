/**
 * Paths of entries in archives.
 *
 * A path must mean the same on every system and stay below the folder it is unpacked into, so
 * whatever a system might read otherwise is refused rather than mended.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { excerpt } from "../../contracts/excerpt.ts";

/** The longest path that common systems take, in characters. */
const LONGEST_PATH = 4096;

/** Control characters, the backslash and the colon of a drive letter. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f\\]|^[a-z]:/i;

/** Refuses a path that is absolute, climbs, is too long or holds what some system misreads. */
export function checkPath(path: string): void {
  const segments = (path.endsWith("/") ? path.slice(0, -1) : path).split("/");
  const isSafe = path.length <= LONGEST_PATH && !UNSAFE.test(path) &&
    segments.every((segment) => segment !== "" && segment !== "." && segment !== "..");
  if (!isSafe) {
    const shown = JSON.stringify(excerpt(path));
    throw new InvalidDistributionError(`it has an entry with the unsafe path ${shown}`);
  }
}

/** Refuses a link at `path` whose target, relative to its own folder, is not below `top`. */
export function checkLink(path: string, target: string, top: string): void {
  const place = path.split("/").slice(0, -1);
  for (const segment of target.split("/")) {
    if (segment === "..") place.pop();
    else if (segment !== "." && segment !== "") place.push(segment);
    if (place[0] !== top) break;
  }
  if (target.startsWith("/") || UNSAFE.test(target) || place[0] !== top) {
    throw new InvalidDistributionError(`it has a link that leaves its folder: "${excerpt(path)}"`);
  }
}

/** The first segment of a path. */
export function topOf(path: string): string {
  const end = path.indexOf("/");
  return end < 0 ? path : path.slice(0, end);
}
