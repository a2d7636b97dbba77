/** Small source distributions made from nothing. */

/** A made source distribution. */
export interface MadeSdist {
  /** Its name. */
  readonly filename: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Makes a sound source distribution: an archive with PKG-INFO and a `pyproject.toml`, or other files. */
export async function makeSdist(
  { name, version }: { readonly name: string; readonly version: string },
  files: Readonly<Record<string, string>> = {
    "pyproject.toml": `[project]\nname = "${name}"\nversion = "${version}"\n`,
  },
): Promise<MadeSdist> {
  const folder = `${name.replace(/[-_.]+/g, "_").toLowerCase()}-${version}`;
  const members = [
    member(`${folder}/PKG-INFO`, `Metadata-Version: 2.2\nName: ${name}\nVersion: ${version}\n`),
    ...Object.entries(files).map(([path, text]) => member(`${folder}/${path}`, text)),
    new Uint8Array(1_024),
  ];
  const packed = new Blob(members).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  return { filename: `${folder}.tar.gz`, bytes };
}

/** A member of an archive in POSIX.1-1988 (ustar) form. */
function member(path: string, text: string): Uint8Array<ArrayBuffer> {
  const content = new TextEncoder().encode(text);
  const bytes = new Uint8Array(512 + Math.ceil(content.length / 512) * 512);
  const field = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  field(0, path);
  field(100, "0000644\0");
  field(108, "0000000\0");
  field(116, "0000000\0");
  field(124, `${content.length.toString(8).padStart(11, "0")}\0`);
  field(136, "00000000000\0");
  field(148, "        ");
  field(156, "0");
  field(257, "ustar\x0000");
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  field(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  bytes.set(content, 512);
  return bytes;
}
