/** How uploads are taken. */

/** How uploads are taken. */
export interface UploadOptions {
  /** The largest file, in bytes, of projects of which nothing else is laid down. Default 1 GiB. */
  readonly maxBytes?: number;
  /**
   * The length of all parts but the last of an upload that comes in parts, 1 to 67,108,864 bytes. Default
   * 8 MiB.
   */
  readonly partBytes?: number;
  /** Whether uploads must state a digest. Default `true`. */
  readonly isDigestRequired?: boolean;
  /**
   * The status where other bytes have the name: 400 as on the public index, or 409 as some others have
   * it. Clients know both. Default 400.
   */
  readonly takenStatus?: 400 | 409;
}
