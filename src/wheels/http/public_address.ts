/** The address that clients know this place by, for answers that need whole addresses. */

/**
 * The address of the root without a slash at its end. What `X-Forwarded-Host`, `-Proto` and `-Prefix`
 * say counts behind a proxy only; of several values the last, which is the proxy's own.
 */
export function publicAddress(request: Request, { isProxied }: { isProxied: boolean }): string {
  const { origin, protocol, host } = new URL(request.url);
  if (!isProxied) return origin;
  const said = (name: string): string | undefined =>
    request.headers.get(`x-forwarded-${name}`)?.split(",").at(-1)?.trim();
  const scheme = said("proto")?.toLowerCase() ?? protocol.slice(0, -1);
  const address = URL.parse(`${scheme}://${said("host") ?? host}`);
  const isAddress = /^https?$/.test(scheme) && address !== null && address.pathname === "/" &&
    address.username === "" && address.password === "" && address.href.endsWith("/");
  return isAddress ? address.origin + prefixOf(said("prefix") ?? "") : origin;
}

/** Where the proxy has put this place: a path of plain segments, or none. */
function prefixOf(text: string): string {
  const path = text.replace(/\/$/, "");
  return /^(?:\/[\w~!$&'()*+,;=:@%-][\w.~!$&'()*+,;=:@%-]*)+$/.test(path) ? path : "";
}
