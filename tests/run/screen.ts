/**
 * Writing to a terminal or to a log.
 *
 * In a terminal the last line says what is running and is rewritten in place; in a log it is left
 * out, so that a log holds finished lines only.
 */
export class Screen {
  readonly #isTerminal = Deno.stdout.isTerminal();
  readonly #hasColor = this.#isTerminal && !Deno.noColor;
  #transient = "";

  /** Writes a line above the one that says what is running. */
  line(text: string = ""): void {
    const transient = this.#transient;
    this.running("");
    write(`${text}\n`);
    this.running(transient);
  }

  /** Says what is running. */
  running(text: string): void {
    if (!this.#isTerminal) return;
    const width = columns();
    this.#transient = text;
    write(`\r\x1b[2K${this.dim(text.length < width ? text : `${text.slice(0, width - 2)}…`)}`);
  }

  /** The text in a quiet color. */
  dim(text: string): string {
    return this.#colored(text, 2);
  }

  /** The text in bold. */
  bold(text: string): string {
    return this.#colored(text, 1);
  }

  /** The text in the color of success. */
  green(text: string): string {
    return this.#colored(text, 32);
  }

  /** The text in the color of failure. */
  red(text: string): string {
    return this.#colored(text, 31);
  }

  /** The text in the color of warning. */
  yellow(text: string): string {
    return this.#colored(text, 33);
  }

  #colored(text: string, code: number): string {
    return this.#hasColor && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

const WIDTH = 80;
const encoder = new TextEncoder();

function write(text: string): void {
  const bytes = encoder.encode(text);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}

function columns(): number {
  try {
    return Deno.consoleSize().columns || WIDTH;
  } catch {
    return WIDTH;
  }
}
