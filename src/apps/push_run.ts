/** Pushing files: some at once, again what fails for the moment, and each to its own end. */

import { open } from "node:fs/promises";
import type { Clock } from "../contracts/clock.ts";
import { UpstreamError } from "../contracts/errors.ts";
import { type Random, randomId } from "../contracts/random.ts";
import type { DigestAlgorithm, Digests } from "../wheels/digests.ts";
import { reasonOf } from "../wheels/log.ts";
import { type ArchiveFacts, inspectArchive } from "../wheels/packages/archive.ts";
import { normalizeName } from "../wheels/packages/names.ts";
import { nodeDigests } from "./node_digests.ts";
import { reasonIn, type Verdict, verdictOf } from "./push_answer.ts";
import type { PushFile } from "./push_files.ts";
import type { HeldFiles } from "./push_pages.ts";
import { type Answer, piecesOf, type Poster } from "./push_post.ts";
import type { UploadWay } from "./push_way.ts";

/** What became of a file: the index took it, had it, has other bytes by its name, or has it not. */
export type Outcome = "pushed" | "there" | "other" | "failed";

/** What a push needs. */
export interface PushParts {
  /** Sends; `undefined` for a push that sends nothing. */
  readonly poster: Pick<Poster, "post"> | undefined;
  /** What the index has. */
  readonly pages: HeldFiles;
  /** How it takes files. */
  readonly way: UploadWay;
  /** Whether it is asked before a file is sent, not only when it says that it has one. */
  readonly isAsked: boolean;
  /** As whom, for messages. */
  readonly user: string | undefined;
  /** For the waits. */
  readonly clock: Clock;
  /** Draws the waits. */
  readonly random: Random;
  /** Told of what happens. */
  readonly watch: PushWatch;
}

/** Who watches a push. */
export interface PushWatch {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told of bytes that were digested. */
  onRead(lengthBytes: number): void;
  /** Told of bytes on their way. */
  onSent(file: PushFile, lengthBytes: number): void;
  /** Told of each file's end, and of why it was not taken. */
  onDone(file: PushFile, outcome: Outcome, reason?: string): void;
  /** Told that a file will be sent again. */
  onAgain(file: PushFile, reason: string, waitMs: number): void;
  /** Told, once, that the index cannot be asked what it has. */
  onUnasked(reason: string): void;
}

/** As twine has it. */
const ATTEMPTS = 5;

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Who is to come back later than this may as well start the command again. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/** So many files in a row that were given up are an outage. */
const OUTAGE_FILES = 3;

const ALGORITHMS: readonly DigestAlgorithm[] = Object.freeze(["sha256", "md5", "blake2b"]);

/** The answer to a push that sends nothing. */
const NOT_ASKED: Answer = Object.freeze({ status: 200, text: "" });

type Hex = Digests["hex"];

interface Ended {
  readonly state: Outcome;
  readonly reason?: string;
}

/** A file with what it says of itself. */
interface Inspected {
  readonly file: PushFile;
  readonly facts: ArchiveFacts;
  readonly project: string;
}

/** Pushes files to one index. */
export class Push {
  readonly #parts: PushParts;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  #isAsked: boolean;
  #givenUp = 0;

  /** Begins nothing yet. */
  constructor(parts: PushParts) {
    this.#parts = Object.freeze({ ...parts });
    this.#signal = AbortSignal.any([parts.watch.signal, this.#closing.signal]);
    this.#isAsked = parts.isAsked;
  }

  /**
   * Pushes all files, `jobs` at once. Rejects where the index takes none: nobody answers, it wants
   * another user, or it is not there.
   */
  async run(files: readonly PushFile[], jobs: number): Promise<void> {
    const { firsts, repeats } = apart(files);
    // The second of a name is judged by the first.
    for (const wave of [firsts, repeats]) {
      const waiting = wave.values();
      const work = async (): Promise<void> => {
        for (const file of waiting) {
          if (this.#signal.aborted) return;
          await this.#push(file);
        }
      };
      await Promise.all(Array.from({ length: jobs }, work));
    }
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
  }

  async #push(file: PushFile): Promise<void> {
    const { state, reason } = await this.#endOf(file);
    if (this.#signal.aborted && state === "failed") return;
    this.#parts.watch.onDone(file, state, reason);
  }

  async #endOf(file: PushFile): Promise<Ended> {
    try {
      const facts = await inspected(file);
      const project = normalizeName(facts.metadata.name);
      return await this.#judge({ file, facts, project });
    } catch (error) {
      return { state: "failed", reason: reasonOf(error) };
    }
  }

  /** Sends a file, unless the index has it. */
  async #judge(inspected: Inspected): Promise<Ended> {
    const { file } = inspected;
    const held = await this.#held(inspected);
    if (held !== undefined) {
      const { sha256 } = await this.#digested(file, ["sha256"]);
      return sha256 === held ? { state: "there" } : otherThan(held);
    }
    const { poster } = this.#parts;
    const hex = await this.#digested(file, poster === undefined ? ["sha256"] : ALGORITHMS);
    const answer = poster === undefined ? NOT_ASKED : await this.#send(inspected, hex);
    return await this.#conclude(inspected, hex.sha256!, answer);
  }

  async #held({ project, file }: Inspected): Promise<string | undefined> {
    if (!this.#isAsked) return undefined;
    try {
      return await this.#parts.pages.sha256Of(project, file.filename);
    } catch (error) {
      if (this.#parts.way.overwrites) {
        this.#countLookup(error);
        throw error;
      }
      if (this.#isAsked) this.#parts.watch.onUnasked(reasonOf(error));
      this.#isAsked = false;
      return undefined;
    }
  }

  /** Reads a file once for all of its digests. */
  async #digested(file: PushFile, algorithms: readonly DigestAlgorithm[]): Promise<Hex> {
    const running = algorithms.map((algorithm) => [algorithm, nodeDigests(algorithm)] as const);
    for await (const piece of piecesOf(file)) {
      this.#signal.throwIfAborted();
      for (const [, digest] of running) await digest.update(piece);
      this.#parts.watch.onRead(piece.length);
    }
    const hex: Partial<Record<DigestAlgorithm, string>> = {};
    for (const [algorithm, digest] of running) hex[algorithm] = await digest.hex();
    return hex;
  }

  /** Sends a file as often as it takes. */
  async #send({ file, facts }: Inspected, hex: Hex): Promise<Answer> {
    const { clock, watch, user, way } = this.#parts;
    const boundary = randomId();
    const form = {
      ...way.formOf({ filename: file.filename, metadata: facts.metadata, hex }, boundary),
      contentType: `multipart/form-data; boundary=${boundary}`,
      path: file.path,
      sizeBytes: file.sizeBytes,
    };
    const posted = { signal: this.#signal, onSent: (bytes: number) => watch.onSent(file, bytes) };
    for (let attempt = 1;; attempt++) {
      const answer = await this.#parts.poster!.post(form, posted);
      if (this.#signal.aborted || verdictOf(answer) !== "later") return answer;
      const waitMs = this.#waitMs(answer, attempt);
      if (waitMs === undefined) return answer;
      watch.onAgain(file, reasonIn(answer, user), waitMs);
      await clock.sleep(waitMs, this.#signal);
      if (this.#signal.aborted) return answer;
    }
  }

  /** Drawn evenly below a bound that doubles, after what the index asks for ("full jitter"). */
  #waitMs({ retryAfterMs = 0 }: Answer, attempt: number): number | undefined {
    if (attempt >= ATTEMPTS || retryAfterMs > LONGEST_RETRY_AFTER_MS) return undefined;
    const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
    return retryAfterMs + this.#parts.random() * bound;
  }

  async #conclude(inspected: Inspected, sha256: string, answer: Answer): Promise<Ended> {
    const verdict = verdictOf(answer);
    const reason = reasonIn(answer, this.#parts.user);
    if (this.#signal.aborted && verdict !== "taken") return { state: "failed", reason };
    this.#count(verdict, answer, reason);
    if (verdict !== "taken" && verdict !== "exists") return { state: "failed", reason };
    const { project, file: { filename } } = inspected;
    const { pages } = this.#parts;
    if (verdict === "taken") {
      await pages.note(project, filename, sha256);
      return { state: "pushed" };
    }
    pages.forget(project);
    const held = await pages.sha256Of(project, filename).catch(() => undefined);
    return held === sha256 ? { state: "there" } : { state: "other", reason };
  }

  /** What would be overwritten cannot be told where an index is not able to say what it has. */
  #countLookup(error: unknown): void {
    const status = error instanceof UpstreamError ? error.status : undefined;
    const answer = { status, text: "" };
    this.#count(verdictOf(answer), answer, reasonOf(error));
  }

  /** Ends everything where other files would fare no better. */
  #count(verdict: Verdict, { status }: Answer, reason: string): void {
    this.#givenUp = verdict === "later" ? this.#givenUp + 1 : 0;
    const isOutage = status === undefined || this.#givenUp === OUTAGE_FILES;
    if (verdict === "closed" || isOutage) this.#closing.abort(new Error(reason));
  }
}

/** The first files of their names, and the others. */
function apart(files: readonly PushFile[]): { firsts: PushFile[]; repeats: PushFile[] } {
  const names = new Set<string>();
  const [firsts, repeats]: [PushFile[], PushFile[]] = [[], []];
  for (const file of files) {
    (names.has(file.filename) ? repeats : firsts).push(file);
    names.add(file.filename);
  }
  return { firsts, repeats };
}

function otherThan(held: string): Ended {
  return { state: "other", reason: `the index has other bytes by this name, with SHA-256 ${held}` };
}

async function inspected({ path, filename, sizeBytes }: PushFile): Promise<ArchiveFacts> {
  const file = await open(path);
  try {
    return await inspectArchive(filename, {
      sizeBytes,
      read: async ({ offset, length }) => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      },
    }, { entries: "metadata" });
  } finally {
    await file.close();
  }
}
