/** Lockouts that lock nobody out: for switching them off without touching their callers. */

import type { Action } from "./lockout.ts";

/**
 * A {@linkcode Locker} whose lockouts do nothing.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { NullLocker } from "@cairn/cache";
 *
 * const lockout = new NullLocker().define("sign in", { byIp: { count: 1 } });
 * const signIn = () => false;
 * equal(lockout.guard(signIn), signIn);
 * ```
 */
export class NullLocker {
  /** A lockout that does nothing, whatever the arguments. */
  define(_name: string, _terms: unknown = {}): NullLockout {
    return new NullLockout();
  }
}

/** A `Lockout` that does nothing. */
export class NullLockout {
  /** Answers the function itself. */
  guard<C, A extends unknown[], R>(action: Action<C, A, R>): Action<C, A, R> {
    return action;
  }

  /** Answers the function itself. */
  quota<C, A extends unknown[], R>(action: Action<C, A, R>): Action<C, A, R> {
    return action;
  }

  /** Answers the function itself. */
  forbidLocked<C, A extends unknown[], R>(
    action: Action<C, A, R>,
    _options: unknown = {},
  ): Action<C, A, R> {
    return action;
  }

  /** Does nothing. */
  incr(_context: unknown): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing. */
  reset(_context: unknown): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing. */
  forceReset(_context: unknown): Promise<void> {
    return Promise.resolve();
  }
}
