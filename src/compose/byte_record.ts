/**
 * Reading and writing compact binary records: bytes, varints, float64, lengths with text.
 *
 * Varints are LEB128, little groups first, up to 2^53 − 1. Every read beyond the end is a
 * `SyntaxError`, so a record cut short anywhere is never taken for a shorter one.
 */

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const hexDigits = utf8Encoder.encode("0123456789abcdef");
const cutShort = "Cannot read record: it is cut short";
/** So many characters take no longer one by one than in one call of the platform's decoder. */
const shortText = 12;

/** Reads one record from its first byte to its last. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** Starts at the first byte. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next byte. */
  byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new SyntaxError(cutShort);
    this.#offset++;
    return byte;
  }

  /** The next `length` bytes, as a view. */
  bytes(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new SyntaxError(cutShort);
    // A `subarray` takes twice as long.
    const view = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#offset, length);
    this.#offset = end;
    return view;
  }

  /** The next varint. */
  varint(): number {
    let value = 0;
    let weight = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (byte < 0x80 && Number.isSafeInteger(value)) return value;
      weight *= 128;
    }
    throw new SyntaxError("Cannot read record: a number is too large");
  }

  /** The next eight bytes as a little-endian float64. */
  float64(): number {
    const view = this.bytes(8);
    return new DataView(view.buffer, view.byteOffset, 8).getFloat64(0, true);
  }

  /** The next `length` bytes as UTF-8; anything else is a `TypeError`. */
  text(length: number): string {
    return this.#shortAscii(length) ?? utf8Decoder.decode(this.bytes(length));
  }

  /** The next `length` bytes as lower-case hexadecimal digits. */
  hex(length: number): string {
    const digits = new Array<number>(2 * length);
    for (let index = 0; index < digits.length; index += 2) {
      const byte = this.byte();
      digits[index] = hexDigits[byte >> 4]!;
      digits[index + 1] = hexDigits[byte & 15]!;
    }
    return String.fromCharCode(...digits);
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#offset);
  }

  /** Throws a `SyntaxError` unless everything was read. */
  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left > 0) throw new SyntaxError(`Cannot read record: ${left} bytes follow its end`);
  }

  #shortAscii(length: number): string | undefined {
    const end = this.#offset + length;
    if (length > shortText || end > this.#bytes.length) return undefined;
    let text = "";
    for (let index = this.#offset; index < end; index++) {
      const byte = this.#bytes[index]!;
      if (byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    this.#offset = end;
    return text;
  }
}

/** Collects the parts of a record. */
export class ByteWriter {
  readonly #parts: (number | Uint8Array)[] = [];
  #length = 0;

  /** Appends one byte. */
  byte(value: number): void {
    this.#parts.push(value);
    this.#length++;
  }

  /** Appends bytes; they are copied by {@linkcode take}. */
  bytes(value: Uint8Array): void {
    this.#parts.push(value);
    this.#length += value.length;
  }

  /** Appends a safe integer that is not negative. */
  varint(value: number): void {
    let left = value;
    for (; left >= 128; left = Math.floor(left / 128)) this.byte((left % 128) | 0x80);
    this.byte(left);
  }

  /** Appends a little-endian float64. */
  float64(value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value, true);
    this.bytes(new Uint8Array(view.buffer));
  }

  /** Appends text as UTF-8 after its length in bytes plus `bias`. Text must be well formed. */
  text(value: string, bias: number = 0): void {
    if (/\p{Surrogate}/u.test(value)) {
      throw new RangeError(`Cannot write record: "${value}" is not well-formed Unicode`);
    }
    const bytes = utf8Encoder.encode(value);
    this.varint(bytes.length + bias);
    this.bytes(bytes);
  }

  /** The record. */
  take(): Uint8Array<ArrayBuffer> {
    const record = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      if (typeof part === "number") record[offset++] = part;
      else {
        record.set(part, offset);
        offset += part.length;
      }
    }
    return record;
  }
}
