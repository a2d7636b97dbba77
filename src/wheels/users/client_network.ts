/** Whom a client's address counts for. */

const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const IPV6 = /^[0-9a-f:.]{2,45}$/i;
/** How an IPv4 address begins that is written as an IPv6 one (RFC 4291, section 2.5.5.2). */
const MAPPED = "0:0:0:0:0:ffff:";

/**
 * An IPv4 address as it is; of an IPv6 address the first 64 bits, which is what one subscriber has at
 * least (RFC 6177), so that nobody counts as many. `undefined` for what is no address.
 */
export function networkOf(address: string): string | undefined {
  if (IPV4.test(address)) return address;
  const [plain = ""] = address.split("%", 1);
  const groups = IPV6.test(plain) ? groupsOf(plain) : undefined;
  if (groups === undefined) return undefined;
  return groups.join(":").startsWith(MAPPED)
    ? groups.slice(6).flatMap(bytesOf).join(".")
    : groups.slice(0, 4).join(":");
}

/** The eight groups, as the URL standard writes them. */
function groupsOf(address: string): string[] | undefined {
  const url = URL.parse(`http://[${address}]/`);
  if (url === null) return undefined;
  const [head = "", tail] = url.hostname.slice(1, -1).split("::");
  const [before, after] = [partsOf(head), partsOf(tail ?? "")];
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(missing).fill("0"), ...after];
}

function partsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}

function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 255];
}
