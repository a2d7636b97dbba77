/** Conditional requests (RFC 9110 §13), judged in the order that §13.2.2 gives. */

/** What a representation can be recognised by. */
export interface Validators {
  /** Its strong entity tag, quotes included. */
  readonly etag: string;
  /** When it last changed, in epoch milliseconds, where that is known. */
  readonly modifiedAt?: number;
}

/** What the conditions of a request come to. */
export type Verdict = "proceed" | "not modified" | "precondition failed";

/** Judges the conditions of a GET or HEAD request. */
export function judge(headers: Headers, validators: Validators): Verdict {
  if (!isExpected(headers, validators)) return "precondition failed";
  return isKnown(headers, validators) ? "not modified" : "proceed";
}

/** Whether a part may be sent, by `If-Range`: only of the very bytes that the client has begun. */
export function isRangeCurrent(headers: Headers, validators: Validators): boolean {
  const condition = headers.get("if-range")?.trim();
  if (condition === undefined) return true;
  if (condition.endsWith('"')) return condition === validators.etag;
  return Date.parse(condition) === toSecond(validators.modifiedAt);
}

function isExpected(headers: Headers, validators: Validators): boolean {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null) {
    return ifMatch.trim() === "*" || tagsOf(ifMatch).includes(validators.etag);
  }
  const since = dateOf(headers.get("if-unmodified-since"));
  return since === undefined || !(toSecond(validators.modifiedAt) > since);
}

function isKnown(headers: Headers, validators: Validators): boolean {
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null) {
    if (ifNoneMatch.trim() === "*") return true;
    return tagsOf(ifNoneMatch).some((tag) => tag.replace(/^W\//, "") === validators.etag);
  }
  const since = dateOf(headers.get("if-modified-since"));
  return since !== undefined && toSecond(validators.modifiedAt) <= since;
}

function tagsOf(list: string): string[] {
  return list.slice(0, 8_192).match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function dateOf(header: string | null): number | undefined {
  const at = header === null ? NaN : Date.parse(header);
  return Number.isNaN(at) ? undefined : at;
}

// HTTP dates know whole seconds only. An unknown date compares false with everything.
function toSecond(at: number | undefined): number {
  return at === undefined ? NaN : Math.floor(at / 1_000) * 1_000;
}
