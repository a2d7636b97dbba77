/**
 * A value as Python's `repr` writes it, so that keys agree with those of Python processes.
 *
 * `null` and `undefined` are `None`; integers up to 2^53 are written as such, and a number with a
 * fraction as Python writes the same float. Arrays are lists, plain objects and maps are
 * dictionaries. Anything else is written by its own `toString`; one that has none of its own is a
 * `TypeError`, because all such objects would share a key.
 */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "string") return stringRepr(value);
  if (typeof value === "number") return numberRepr(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(", ")}]`;
  if (value instanceof Map) return dictRepr([...value]);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return dictRepr(Object.entries(value));
  return objectRepr(value);
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let written = "";
  for (const letter of text) written += letter === quote ? `\\${quote}` : letterRepr(letter);
  return quote + written + quote;
}

function letterRepr(letter: string): string {
  const named = NAMED_ESCAPES[letter];
  if (named !== undefined) return named;
  if (letter === " " || !/[\p{C}\p{Z}]/u.test(letter)) return letter;
  const code = letter.codePointAt(0)!;
  if (code <= 0xff) return `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

function numberRepr(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0.0" : String(value);
  return floatRepr(value);
}

/** Python writes floats with an exponent from 1e16 and below 1e-4, with two digits at least. */
function floatRepr(value: number): string {
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 16) {
    const places = Math.max(1, digits.replace(/^-?\d\.?/, "").length - power);
    return value.toFixed(places);
  }
  const sign = power < 0 ? "-" : "+";
  return `${digits}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
}

function dictRepr(entries: [unknown, unknown][]): string {
  return `{${
    entries.map(([key, value]) => `${pythonRepr(key)}: ${pythonRepr(value)}`).join(", ")
  }}`;
}

function objectRepr(value: object): string {
  if (value.toString === Object.prototype.toString) {
    const name = value.constructor?.name ?? "object";
    throw new TypeError(`Cannot build a key from a ${name}: it has no toString of its own`);
  }
  return value.toString();
}
