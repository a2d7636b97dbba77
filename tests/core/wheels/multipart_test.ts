import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  boundaryOf,
  type MultipartLimits,
  readMultipart,
} from "../../../src/wheels/http/multipart.ts";

/** What was found of a part. */
interface Found {
  readonly name: string;
  readonly filename: string | undefined;
  readonly contentType: string | undefined;
  readonly text: string;
}

/** A stream of the bytes in chunks of the sizes given, over and over; it counts what is taken. */
function cut(bytes: Uint8Array, sizes: readonly number[]): ReadableStream<Uint8Array> {
  let at = 0;
  let turn = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      const size = sizes[turn++ % sizes.length]!;
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  }, { highWaterMark: 0 });
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: number[] = [];
  const reader = stream.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return Uint8Array.from(chunks);
    for (const byte of value) chunks.push(byte);
  }
}

async function parts(
  stream: ReadableStream<Uint8Array>,
  boundary: string,
  limits?: MultipartLimits,
): Promise<Found[]> {
  const found: Found[] = [];
  for await (const { body, ...part } of readMultipart(stream, boundary, limits)) {
    found.push({ ...part, text: new TextDecoder().decode(await bytesOf(body)) });
  }
  return found;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A form as twine sends it, with what makes scanning hard in its values. */
const FORM = [
  "--XX\r\n",
  'Content-Disposition: form-data; name=":action"\r\n\r\nfile_upload\r\n',
  "--XX\r\n",
  'content-disposition:form-data;name=plain ; other="a;b"\r\n\r\nline\r\nline\r\n\r\n--X\r\n--Xx\r\n\r\r\n',
  "--XX  \t\r\n",
  'Content-Disposition: form-data; name="content"; filename="foo-1.0.tar.gz"\r\n',
  "Content-Type: application/octet-stream\r\n\r\n\r\n--X\n--XX\r\r\n-\r\n",
  "--XX\r\n",
  'Content-Disposition: form-data; name="empty"\r\n\r\n\r\n',
  "--XX--\r\n",
].join("");

const FOUND: Found[] = [
  { name: ":action", filename: undefined, contentType: undefined, text: "file_upload" },
  {
    name: "plain",
    filename: undefined,
    contentType: undefined,
    text: "line\r\nline\r\n\r\n--X\r\n--Xx\r\n\r",
  },
  {
    name: "content",
    filename: "foo-1.0.tar.gz",
    contentType: "application/octet-stream",
    text: "\r\n--X\n--XX\r\r\n-",
  },
  { name: "empty", filename: undefined, contentType: undefined, text: "" },
];

/** One field of a form with a disposition. */
function fieldOf(disposition: string, value = "v"): Uint8Array {
  return utf8(`--b\r\nContent-Disposition: ${disposition}\r\n\r\n${value}\r\n--b--`);
}

describe("forms", () => {
  it("I-104: are read alike wherever their chunks are cut", async () => {
    const bytes = utf8(FORM);
    for (let at = 0; at <= bytes.length; at++) {
      deepEqual(await parts(cut(bytes, [at, bytes.length]), "XX"), FOUND, `cut at ${at}`);
    }
    for (let size = 1; size < 40; size++) {
      deepEqual(await parts(cut(bytes, [size]), "XX"), FOUND, `chunks of ${size}`);
    }
  });

  it("I-104: parts come in any order, with names in quotes, escaped or in UTF-8", async () => {
    for (
      const [disposition, name, filename] of [
        ['form-data; name="a"; filename="b.whl"', "a", "b.whl"],
        ['form-data; filename="b.whl"; name="a"', "a", "b.whl"],
        ["FORM-DATA; NAME=a; FileName=b.whl", "a", "b.whl"],
        ['form-data; name="a b"; filename="c\\"d.whl"', "a b", 'c"d.whl'],
        ['form-data; name="%22a%0D%0a"; filename="100%.whl"', '"a\r\n', "100%.whl"],
        ['form-data; name="a\\"; filename="C:\\dir\\b.whl"', "a\\", "C:\\dir\\b.whl"],
        ['form-data; name="ключ"; filename="鍵.whl"', "ключ", "鍵.whl"],
        ["form-data; name=a; filename=\"x\"; filename*=UTF-8''%C3%A9.whl", "a", "é.whl"],
        ['form-data; filename="; name=b; c"; name="a"', "a", "; name=b; c"],
        ['form-data; name=""; filename=""', "", ""],
      ]
    ) {
      const [found] = await parts(cut(fieldOf(disposition!), [7]), "b");
      equal(found?.name, name, disposition);
      equal(found?.filename, filename, disposition);
      equal(found?.text, "v");
    }
  });

  it("I-104: are read as the platform itself reads and writes them", async () => {
    // Platforms disagree on how they read names, and on writing backslashes, line ends and empty names: so
    // names are held against the form itself, contents against the platform's reading.
    const letters = fc.constantFrom(
      "a",
      "B",
      "7",
      " ",
      '"',
      ";",
      "=",
      "'",
      "/",
      "%",
      "é",
      "鍵",
      "🔑",
    );
    const name = fc.array(letters, { minLength: 1, maxLength: 12 }).map((found) => found.join(""));
    const nasty = fc.array(fc.constantFrom("\r", "\n", "\r\n", "--", "-", "XX", "x", "\0", "é"));
    const value = nasty.map((pieces) => pieces.join(""));
    const field = fc.record({ name, value, filename: fc.option(name, { nil: undefined }) });
    const size = fc.integer({ min: 1, max: 50 });
    const property = fc.asyncProperty(
      fc.array(field, { maxLength: 5 }),
      size,
      async (fields, size) => {
        const form = new FormData();
        for (const { name, value, filename } of fields) {
          if (filename === undefined) form.append(name, value);
          else form.append(name, new Blob([value]), filename);
        }
        const message = new Response(form);
        const type = message.headers.get("content-type")!;
        const boundary = boundaryOf(type)!;
        const bytes = new Uint8Array(await message.arrayBuffer());
        const found = await parts(cut(bytes, [size]), boundary);
        const read = await new Response(bytes, { headers: { "content-type": type } }).formData();
        const texts = await Promise.all([...read].map(([, value]) => textOf(value)));
        const expected = [...form].map(([name, value], index) => [
          oneKindOfEnd(name),
          typeof value === "string" ? undefined : oneKindOfEnd(value.name),
          texts[index],
        ]);
        const shown = found.map(({ name, filename, text }) => [
          oneKindOfEnd(name),
          filename && oneKindOfEnd(filename),
          filename === undefined ? oneKindOfEnd(text) : text,
        ]);
        deepEqual(shown, expected);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it("I-104: give out random bytes as the platform does", async () => {
    const chunks = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });
    const content = fc.uint8Array({ maxLength: 2000 });
    const property = fc.asyncProperty(content, chunks, async (content, sizes) => {
      const bytes = new Uint8Array([
        ...utf8('--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'),
        ...content,
        ...utf8("\r\n--b--\r\n"),
      ]);
      const found: Uint8Array[] = [];
      for await (const part of readMultipart(cut(bytes, sizes), "b")) {
        found.push(await bytesOf(part.body));
      }
      deepEqual(found.map((one) => [...one]), [[...content]]);
    });
    await fc.assert(property, { numRuns: 300 });
  });
});

describe("forms as streams", () => {
  it("give a part out when its headers are there, before its content is", async () => {
    let pulled = 0;
    const head = utf8('--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n');
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(pulled++ === 0 ? head : new Uint8Array(1000).fill(120));
      },
    }, { highWaterMark: 0 });
    for await (const part of readMultipart(body, "b")) {
      equal(part.filename, "f");
      equal(pulled, 1);
      const reader = part.body.getReader();
      for (let turn = 1; turn <= 5; turn++) {
        await reader.read();
        ok(pulled <= turn + 1, "nothing is read ahead");
      }
      await reader.cancel();
      break;
    }
  });

  it("drop what is not read, and go on with the next part", async () => {
    const names: string[] = [];
    for await (const part of readMultipart(cut(utf8(FORM), [5]), "XX")) {
      names.push(part.name);
      if (part.name === "plain") await part.body.cancel();
      if (part.name === "content") await part.body.getReader().read();
    }
    deepEqual(names, [":action", "plain", "content", "empty"]);
  });

  it("end the body of a part that was passed over", async () => {
    const bodies: ReadableStream<Uint8Array>[] = [];
    for await (const part of readMultipart(cut(utf8(FORM), [100]), "XX")) bodies.push(part.body);
    for (const body of bodies) equal((await bytesOf(body)).length, 0);
  });

  it("cancel their source when the loop is left early, and read it to the end when not", async () => {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(utf8(FORM)),
      cancel: () => {
        isCancelled = true;
      },
    }, { highWaterMark: 0 });
    for await (const _ of readMultipart(body, "XX")) break;
    equal(isCancelled, true);

    const whole = cut(utf8(`${FORM}epilogue`), [3]);
    await parts(whole, "XX");
    equal((await whole.getReader().read()).done, true);
  });

  it("pass errors of their source on", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("connection lost")),
    }, { highWaterMark: 0 });
    await rejects(parts(body, "b"), { message: "connection lost" });
  });
});

describe("forms out of bounds", () => {
  async function refused(text: string, name: string, limits?: MultipartLimits): Promise<void> {
    for (const size of [1, 7, 100_000]) {
      await rejects(parts(cut(utf8(text), [size]), "b", limits), { name }, text.slice(0, 80));
    }
  }

  const HEAD = 'Content-Disposition: form-data; name="a"';

  it("are refused when malformed or cut short", async () => {
    for (
      const text of [
        ...[
          "",
          "--b",
          "--b\r\n",
          "no boundary at all",
          "--b\r\n\r\nvalue\r\n--b--",
          "--c\r\n\r\n--c--",
        ],
        ...[
          `--b\r\n${HEAD}\r\n\r\nvalue`,
          `--b\r\n${HEAD}\r\n\r\nvalue\r\n--b`,
          `--b\r\n${HEAD}\r\n\r\nv\r\n--b-`,
        ],
        ...[`--bx\r\n${HEAD}\r\n\r\nv\r\n--b--`, `--b\r\n${HEAD}\r\n\r\nv\r\n--bc\r\n\r\n--b--`],
        ...["--b\r\nno colon\r\n\r\nv\r\n--b--", `--b\r\n${HEAD}\r\n${HEAD}\r\n\r\nv\r\n--b--`],
        ...["--b\r\nContent-Disposition: form-data\r\n\r\nv\r\n--b--"],
        ...['--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nv\r\n--b--'],
        ...['--b\r\nContent-Disposition: form-data; name="a"; name="b"\r\n\r\nv\r\n--b--'],
        ...['--b\r\nContent-Disposition: form-data; name="a\r\n\r\nv\r\n--b--'],
        ...[
          "--b\r\nContent-Disposition: form-data; name=a; filename*=utf-8''%ff\r\n\r\nv\r\n--b--",
        ],
      ]
    ) {
      await refused(text, "SyntaxError");
    }
  });

  it("are refused with too many parts, headers or bytes in a field", async () => {
    const field = (value: string) => `--b\r\n${HEAD}\r\n\r\n${value}\r\n`;
    await refused(field("x").repeat(4) + "--b--", "RangeError", { parts: 3 });
    await refused(field("x".repeat(11)) + "--b--", "RangeError", { fieldBytes: 10 });
    await refused(`--b\r\n${HEAD}\r\nX: ${"y".repeat(100)}\r\n\r\nv\r\n--b--`, "RangeError", {
      headerBytes: 100,
    });
    await refused(`--b\r\n${"X: y\r\n".repeat(30_000)}`, "SyntaxError");
    await refused(`${"p".repeat(70_000)}\r\n${field("x")}--b--`, "RangeError");
    equal(
      (await parts(cut(utf8(field("x".repeat(10)) + "--b--"), [3]), "b", {
        fieldBytes: 10,
        parts: 1,
      })).length,
      1,
    );
  });

  it("take a header of many blanks for no more work than its length", async () => {
    const blanks = " ".repeat(16_000);
    const form = (header: string) =>
      cut(
        utf8(
          `--b\r\nContent-Disposition: form-data; name=a\r\n${header}\r\n\r\nx\r\n--b--\r\n`,
        ),
        [100_000],
      );
    const [part] = await parts(form(`Content-Type:${blanks}a\u2028b \t`), "b", {
      headerBytes: 17_000,
    });
    equal(part?.contentType, "a\u2028b");
    await rejects(parts(form("Content-Type: a\rb"), "b"), { name: "SyntaxError" });
  });

  it("bound fields, not files", async () => {
    const text = `--b\r\n${HEAD}; filename="f"\r\n\r\n${"x".repeat(1000)}\r\n--b--`;
    equal((await parts(cut(utf8(text), [13]), "b", { fieldBytes: 10 }))[0]?.text.length, 1000);
  });
});

describe("boundaries", () => {
  it("are taken from the content type", () => {
    equal(boundaryOf("multipart/form-data; boundary=abc"), "abc");
    equal(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b:c"'), "a b:c");
    equal(
      boundaryOf("multipart/form-data;boundary=----WebKitFormBoundary7MA4; x=y"),
      "----WebKitFormBoundary7MA4",
    );
    for (
      const type of [
        ...[
          "",
          "multipart/form-data",
          "multipart/mixed; boundary=a",
          "application/json; boundary=a",
        ],
        ...["multipart/form-data; boundary=", `multipart/form-data; boundary=${"a".repeat(71)}`],
        ...['multipart/form-data; boundary="a\r\nb"', 'multipart/form-data; boundary="a "'],
      ]
    ) {
      equal(boundaryOf(type), undefined, type);
    }
  });
});

async function textOf(value: string | Blob): Promise<string> {
  return typeof value === "string" ? oneKindOfEnd(value) : await value.text();
}

/** Forms turn every line end in a field's value, not in a file, into CRLF; platforms differ in when. */
function oneKindOfEnd(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\n");
}
