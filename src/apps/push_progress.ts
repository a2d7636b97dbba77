/** How far a push is, in one line for people. */

import type { Clock } from "../contracts/clock.ts";
import type { PushFile } from "./push_files.ts";
import { counted, durationText } from "./reload_progress.ts";

/** The speed is that of so long. */
const WINDOW_MS = 10_000;

/** So often a point of the curve is kept. */
const POINT_MS = 500;

/** Who sends nothing for so long does something else. */
const PAUSE_MS = 1_500;

interface Point {
  readonly at: number;
  readonly sentBytes: number;
}

/** Follows the files of a push. */
export class PushProgress {
  readonly #clock: Clock;
  readonly #files: number;
  readonly #totalBytes: number;
  readonly #underWay = new Map<PushFile, number>();
  #doneFiles = 0;
  #doneBytes = 0;
  #sentBytes = 0;
  #readBytes = 0;
  #points: Point[];

  /** Begins with none of the files done. */
  constructor(files: readonly PushFile[], clock: Clock) {
    this.#clock = clock;
    this.#files = files.length;
    this.#totalBytes = sumOf(files.map(({ sizeBytes }) => sizeBytes));
    this.#points = [{ at: clock.now(), sentBytes: 0 }];
  }

  /** Bytes of a file were digested. */
  read(lengthBytes: number): void {
    this.#readBytes += lengthBytes;
  }

  /** Bytes of a file went. */
  sent(file: PushFile, lengthBytes: number): void {
    this.#underWay.set(file, (this.#underWay.get(file) ?? 0) + lengthBytes);
    this.#sentBytes += lengthBytes;
    const now = this.#clock.now();
    if (this.#isPaused(now)) this.#points = [];
    else if (now < this.#points.at(-1)!.at + POINT_MS) return;
    this.#points.push({ at: now, sentBytes: this.#sentBytes });
    while (this.#points.length > 2 && this.#points[1]!.at <= now - WINDOW_MS) this.#points.shift();
  }

  /** A file begins anew. */
  again(file: PushFile): void {
    this.#underWay.delete(file);
  }

  /** A file is at its end, whatever that is. */
  done(file: PushFile): void {
    this.#underWay.delete(file);
    this.#doneFiles++;
    this.#doneBytes += file.sizeBytes;
  }

  /** The line. */
  text(): string {
    const passedBytes = this.#doneBytes + sumOf([...this.#underWay.values()]);
    const now = this.#clock.now();
    const isPaused = this.#isPaused(now);
    const bytesPerSecond = isPaused ? 0 : this.#bytesPerSecond(now);
    const parts = [
      `${counted(this.#doneFiles)} of ${counted(this.#files)} files`,
      `${sizeText(passedBytes)} of ${sizeText(this.#totalBytes)}`,
    ];
    if (bytesPerSecond > 0) {
      parts.push(`${sizeText(bytesPerSecond)}/s`);
      const leftBytes = this.#totalBytes - passedBytes;
      if (leftBytes > 0) parts.push(`${durationText(leftBytes / bytesPerSecond * 1_000)} to go`);
    }
    if (isPaused && this.#readBytes > 0) parts.push(`${sizeText(this.#readBytes)} read`);
    return parts.join("   ");
  }

  #isPaused(now: number): boolean {
    return now > this.#points.at(-1)!.at + PAUSE_MS;
  }

  #bytesPerSecond(now: number): number {
    const [first] = this.#points as [Point];
    const tookMs = now - first.at;
    return tookMs < POINT_MS ? 0 : (this.#sentBytes - first.sentBytes) / tookMs * 1_000;
  }
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** A number of bytes in the unit that suits it. */
export function sizeText(sizeBytes: number): string {
  let [size, unit] = [sizeBytes, 0];
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1_000, unit + 1];
  return `${unit === 0 || size >= 99.95 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
