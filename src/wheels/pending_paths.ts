/**
 * Where uploads lie in the file store whose parts are still coming.
 *
 * What is known of one lies at `uploads.pending/OWNER/open/ID`, its parts at
 * `uploads.pending/OWNER/parts/ID/NUMBER`. No project's name has a dot, so these paths meet no
 * package's. An identity begins with the instant at which the upload began, so that a listing is in
 * the order of time, and a path alone tells whether what is there is to be swept.
 */

import { randomId } from "../contracts/random.ts";

/** What the paths of all of them begin with. */
export const PENDING_FOLDER = "uploads.pending/";

/** After so long without being finalized an upload is stale. */
export const STALE_MS = 86_400_000;

const INSTANT_DIGITS = 9;
const ID = /^[0-9a-z]{9}[0-9a-f]{32}$/;
const PENDING =
  /^uploads\.pending\/[0-9a-f]{32}\/(?:open|parts)\/([0-9a-z]{9})[0-9a-f]{32}(?:\/\d{5})?$/;

/** A new identity of an upload that begins at an instant. */
export function newPendingId(beganAt: number): string {
  return instantText(beganAt) + randomId();
}

/** Whether this can be the identity of an upload that is not stale. */
export function isPendingId(id: string, now: number): boolean {
  return ID.test(id) && !isStale(beganAtOf(id), now);
}

/** Where what is known of an owner's uploads lies. */
export function openFolder(owner: string): string {
  return `${PENDING_FOLDER}${owner}/open/`;
}

/** What comes before all that is known of an owner's uploads that are not stale. */
export function beforeFresh(owner: string, now: number): string {
  return openFolder(owner) + instantText(now - STALE_MS);
}

/** Where what is known of an upload lies. */
export function openPath(owner: string, id: string): string {
  return openFolder(owner) + id;
}

/** Where the parts of an upload lie. */
export function partsFolder(owner: string, id: string): string {
  return `${PENDING_FOLDER}${owner}/parts/${id}/`;
}

/** Where a part lies; parts are counted from 1. */
export function partPath(owner: string, id: string, part: number): string {
  return partsFolder(owner, id) + String(part).padStart(5, "0");
}

/** Whether something of an upload lies at this path whose parts are still coming. */
export function isPendingPath(path: string): boolean {
  return PENDING.test(path);
}

/** Whether something of an upload lies there that has become stale. */
export function isStalePath(path: string, now: number): boolean {
  const instant = PENDING.exec(path)?.[1];
  return instant !== undefined && isStale(beganAtOf(instant), now);
}

function isStale(beganAt: number, now: number): boolean {
  return now - beganAt >= STALE_MS;
}

function instantText(at: number): string {
  return Math.max(0, Math.floor(at)).toString(36).padStart(INSTANT_DIGITS, "0");
}

function beganAtOf(id: string): number {
  return Number.parseInt(id.slice(0, INSTANT_DIGITS), 36);
}
