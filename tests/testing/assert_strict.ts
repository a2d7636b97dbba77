/**
 * `node:assert/strict` with names that are strict on Deno too.
 *
 * The functions that Deno 2.9.6 exports by name from that module compare loosely (`equal(1, "1")`
 * passes); only the methods of its default export are strict. `deno.json` maps the module here.
 */

import { AssertionError, strict } from "node:assert";

type Strict = typeof strict;

export default strict;
export { AssertionError, strict };
export const ok: Strict["ok"] = strict.ok;
export const fail: Strict["fail"] = strict.fail;
export const equal: Strict["equal"] = strict.equal;
export const notEqual: Strict["notEqual"] = strict.notEqual;
export const strictEqual: Strict["strictEqual"] = strict.strictEqual;
export const notStrictEqual: Strict["notStrictEqual"] = strict.notStrictEqual;
export const deepEqual: Strict["deepEqual"] = strict.deepEqual;
export const notDeepEqual: Strict["notDeepEqual"] = strict.notDeepEqual;
export const deepStrictEqual: Strict["deepStrictEqual"] = strict.deepStrictEqual;
export const notDeepStrictEqual: Strict["notDeepStrictEqual"] = strict.notDeepStrictEqual;
export const throws: Strict["throws"] = strict.throws;
export const doesNotThrow: Strict["doesNotThrow"] = strict.doesNotThrow;
export const rejects: Strict["rejects"] = strict.rejects;
export const doesNotReject: Strict["doesNotReject"] = strict.doesNotReject;
export const match: Strict["match"] = strict.match;
export const doesNotMatch: Strict["doesNotMatch"] = strict.doesNotMatch;
