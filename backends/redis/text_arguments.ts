/**
 * Bytes as text, for connections whose requests are JSON: one character for each byte. Characters
 * from 128 on take two bytes in UTF-8, the first of which is 194 or 195.
 */

import type { RedisArgument, TextArguments } from "./commands.ts";

/** What such connections declare. */
export const textArguments: TextArguments = Object.freeze({
  encode,
  decoding: `
local bytes = {}
for byte = 128, 255 do
  bytes[string.char(byte < 192 and 194 or 195, byte < 192 and byte or byte - 64)] = string.char(byte)
end
for index = 1, #ARGV do
  ARGV[index] = string.gsub(ARGV[index], '[\\194\\195][\\128-\\191]', bytes)
end
`,
});

const encoder = new TextEncoder();
const latin1Chunk = 0x6000;

function encode(argument: RedisArgument): string {
  const bytes = typeof argument === "string" ? encoder.encode(argument) : argument;
  let text = "";
  for (let offset = 0; offset < bytes.length; offset += latin1Chunk) {
    text += String.fromCharCode(...bytes.subarray(offset, offset + latin1Chunk));
  }
  return text;
}
