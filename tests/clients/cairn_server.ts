/** A running cairn, whatever it runs on. */

/** A server under test and what it has written so far. */
export interface CairnServer extends AsyncDisposable {
  /** Its address, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Everything it has written, its access log included. */
  output(): string;
  /** Ends it as its operator would, and answers its exit code. */
  stop(): Promise<number | null>;
}
