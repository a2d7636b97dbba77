/**
 * The wheel cache and what it knows of Python packages.
 *
 * @module
 */

export {
  HeldBackError,
  InvalidDistributionError,
  InvalidFilenameError,
  PackageNotFoundError,
  type RefusalCode,
  UploadRefusedError,
  UpstreamError,
  type UpstreamErrorOptions,
} from "../contracts/errors.ts";
export type {
  ByteRange,
  Expected,
  FileBody,
  FilePage,
  FileStore,
  Published,
  StagedFile,
  StoredFile,
} from "../contracts/file_store.ts";
export type {
  Health,
  IndexCache,
  PackageFile,
  ProjectFiles,
  ProjectState,
  ProjectSummary,
  RecordPage,
  SearchQuery,
} from "../contracts/index_cache.ts";

export { type App, type AppOptions, createApp } from "./http/app.ts";
export type { AccessOptions, Action } from "./http/access.ts";
export type { UploadOptions } from "./http/upload_options.ts";
export type { BodyOfLength } from "./http/files.ts";
export type { Log, LogLevel } from "./log.ts";
export type { Lookup, Lookups, Note, Outcome, Tally } from "./lookups.ts";
export type { Encoding, Form, Page, Variant } from "./pages/page.ts";
export { pageCodec } from "./pages/page_codec.ts";
export type { AsOfOptions, PageAnswer } from "./pages/pages.ts";
export type { ProjectStatus } from "./pages/project_page.ts";
export type { ReloadOptions, ReloadProgress, ReloadReport } from "./reload.ts";
export type { PromisedFile, Reservation, ReservationParts, Reservations } from "./reservations.ts";
export type { ScanReport } from "./scan.ts";
export type { PublishOptions, StagedUpload, UploadClaims } from "./upload.ts";
export {
  Upstream,
  type UpstreamAnswer,
  type UpstreamOptions,
  type UpstreamPage,
  type UpstreamParts,
} from "./upstream/upstream.ts";
export { type Fetch, type Fetched, type UpstreamFetcher } from "./upstream/upstream_fetch.ts";
export type { UpstreamFile, UpstreamListing } from "./upstream/upstream_page.ts";
export {
  type Aged,
  type Sifted,
  UpstreamPolicy,
  type UpstreamPolicyOptions,
} from "./upstream/upstream_policy.ts";
export type { Reach } from "./reach.ts";
export type { Judged } from "./rules/denials.ts";
export { Rules, type RulesOptions, type Served } from "./rules/rules.ts";
export { parseRules } from "./rules/rules_text.ts";
export type { WheelFile } from "./wheel_file.ts";
export {
  type HouseHealth,
  type IndexReader,
  type ScanOptions,
  type Surroundings,
  Wheelhouse,
  type WheelhouseOptions,
} from "./wheelhouse.ts";

export { findPackage } from "./find_package.ts";

export { type ArchiveFacts, inspectArchive, type InspectOptions } from "./packages/archive.ts";
export {
  type Digest,
  type DigestAlgorithm,
  type DigestFactory,
  type Digests,
  DigestTap,
  portableDigests,
} from "./digests.ts";
export {
  type Permissions,
  type ProjectRule,
  type Right,
  Rights,
  type RightsOptions,
} from "./users/rights.ts";
export { parseRights } from "./users/rights_text.ts";
export { type Bearer, type Scope, type TokenOptions, Tokens } from "./users/tokens.ts";
export { parseTokens } from "./users/tokens_text.ts";
export type { FallbackOptions } from "./http/fallback.ts";
export { parseHtpasswd, type Users, usersOf, type UsersOptions } from "./users/htpasswd.ts";
export { type CoreMetadata, parseMetadata } from "./packages/metadata.ts";
export { boundaryOf, type MultipartLimits, type Part, readMultipart } from "./http/multipart.ts";
export {
  compareBuilds,
  isNormalizedName,
  isProjectName,
  normalizeName,
  type ParsedFilename,
  parseFilename,
  projectCandidates,
  SDIST_SUFFIXES,
} from "./packages/names.ts";
export type { PasswordCheck } from "./users/password_hash.ts";
export {
  type ChoiceOptions,
  chooseFile,
  inOrderOfChoice,
  type OfferedFile,
  type PackageQuery,
  parseQuery,
  type Release,
  type WantedFormat,
} from "./packages/query.ts";
export type { RangeSource } from "./packages/range_source.ts";
export {
  constraintText,
  parseLooseRequirement,
  requirementText,
} from "./packages/loose_requirements.ts";
export { parseRequirement, type Requirement } from "./packages/requirements.ts";
export { parseSpecifiers, type SpecifierOptions, type Specifiers } from "./packages/specifiers.ts";
export { expandTags } from "./packages/tags.ts";
export {
  parseWheelInfo,
  readWheelInfo,
  type WheelInfo,
  wheelInfoText,
} from "./packages/wheel_info.ts";
export { parseWheelName, tagText, type WheelName, wheelNameText } from "./packages/wheel_name.ts";
export {
  compareVersions,
  formatVersion,
  isPrerelease,
  isPrereleaseVersion,
  keyOfVersion,
  normalizeVersion,
  parseVersion,
  type Prerelease,
  sortedByVersion,
  type Version,
  versionKey,
} from "../contracts/versions.ts";
