/**
 * Which form of a page a client gets (PEP 691, RFC 9110 §12.5).
 *
 * `format=` wins over `Accept`. Among the types that `Accept` rates highest, a type it names beats
 * one it merely admits by a wildcard; of several named ones the first of JSON, versioned HTML and
 * plain HTML is taken, and of several merely admitted ones the configured default.
 */

import type { Form } from "../pages/page.ts";

/** A form under one of its media types. */
export interface Representation {
  /** The form of the page. */
  readonly form: Form;
  /** What `Content-Type` says. */
  readonly contentType: string;
  /** What tells its entity tags from those of the other representations. */
  readonly tag: string;
}

/** The media types on offer, for the message of a 406. */
export const SUPPORTED_TYPES: readonly string[] = Object.freeze([
  "application/vnd.pypi.simple.v1+json",
  "application/vnd.pypi.simple.v1+html",
  "text/html",
]);

interface Offer extends Representation {
  readonly types: readonly string[];
}

const OFFERS: readonly Offer[] = [
  {
    form: "json",
    contentType: "application/vnd.pypi.simple.v1+json",
    tag: "json",
    types: ["application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json"],
  },
  {
    form: "html",
    contentType: "application/vnd.pypi.simple.v1+html",
    tag: "v1html",
    types: ["application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html"],
  },
  {
    form: "html",
    contentType: "text/html; charset=utf-8",
    tag: "html",
    types: ["text/html"],
  },
];

/** What a client asked for. */
export interface Wishes {
  /** The `Accept` header, or `null`. */
  readonly accept: string | null;
  /** The `format` parameter of the query, or `null`. */
  readonly format: string | null;
}

/** The representation to send, or `undefined` where none is acceptable. */
export function negotiate(wishes: Wishes, preferred: Form): Representation | undefined {
  const { format, accept } = wishes;
  if (format !== null) return OFFERS.find((offer) => offer.types.includes(format));
  const ranges = parseAccept(accept ?? "*/*");
  let best: { offer: Offer; rating: Rating } | undefined;
  for (const offer of inOrder(preferred)) {
    const rating = rate(offer, ranges);
    if (rating.quality === 0) continue;
    if (best === undefined || isBetter({ offer, rating }, best)) best = { offer, rating };
  }
  return best?.offer;
}

/** Whether a client admits a media type, by its `Accept`. */
export function admitsType(accept: string | null, type: string): boolean {
  if (accept === null) return true;
  const ranges = parseAccept(accept);
  const family = `${type.slice(0, type.indexOf("/"))}/*`;
  return (ranges.get(type) ?? ranges.get(family) ?? ranges.get("*/*") ?? 0) > 0;
}

/** Whether a client takes gzip, by its `Accept-Encoding`. */
export function takesGzip(acceptEncoding: string | null): boolean {
  if (acceptEncoding === null) return false;
  const codings = parseAccept(acceptEncoding);
  return (codings.get("gzip") ?? codings.get("x-gzip") ?? codings.get("*") ?? 0) > 0;
}

/** Whether a client would rather have JSON than text, for the body of an error. */
export function prefersJson(accept: string | null): boolean {
  return accept !== null && /\bapplication\/(?:[\w.]+\+)?json\b/i.test(accept.slice(0, 8_192));
}

interface Rating {
  readonly quality: number;
  readonly isNamed: boolean;
}

function isBetter(
  one: { offer: Offer; rating: Rating },
  other: { offer: Offer; rating: Rating },
): boolean {
  if (one.rating.quality !== other.rating.quality) {
    return one.rating.quality > other.rating.quality;
  }
  if (one.rating.isNamed !== other.rating.isNamed) return one.rating.isNamed;
  return one.rating.isNamed && OFFERS.indexOf(one.offer) < OFFERS.indexOf(other.offer);
}

// With HTML preferred, plain text/html comes first: that is what browsers and old clients know.
function inOrder(preferred: Form): readonly Offer[] {
  return preferred === "json" ? OFFERS : OFFERS.toReversed();
}

function rate(offer: Offer, ranges: ReadonlyMap<string, number>): Rating {
  const named = offer.types.flatMap((type) => ranges.get(type) ?? []);
  if (named.length > 0) return { quality: Math.max(...named), isNamed: true };
  const family = `${offer.contentType.slice(0, offer.contentType.indexOf("/"))}/*`;
  return { quality: ranges.get(family) ?? ranges.get("*/*") ?? 0, isNamed: false };
}

function parseAccept(header: string): Map<string, number> {
  const ranges = new Map<string, number>();
  for (const element of header.slice(0, 8_192).split(",")) {
    const [name = "", ...parameters] = element.split(";");
    const type = name.trim().toLowerCase();
    if (type !== "" && !ranges.has(type)) ranges.set(type, qualityOf(parameters));
  }
  return ranges;
}

// A quality that cannot be read is taken as absent, which means 1.
function qualityOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = "", value = ""] = parameter.split("=");
    if (name.trim().toLowerCase() !== "q") continue;
    const quality = value.trim() === "" ? NaN : Number(value);
    return quality >= 0 && quality <= 1 ? quality : 1;
  }
  return 1;
}
