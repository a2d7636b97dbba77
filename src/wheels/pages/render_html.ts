/**
 * The simple index as HTML (PEP 503, 592, 629, 658, 714, 740, 792), in the layout that the public
 * index has kept for years: there are clients and mirrors that read it by its whitespace.
 */

import type { IndexFile, ProjectPage, ProjectStatus } from "./project_page.ts";

/** The version of the simple repository API that pages announce; frozen for HTML by PEP 833. */
const REPOSITORY_VERSION = "1.4";

/** The page that lists every project. */
export function renderListHtml(projects: readonly string[]): string {
  const anchors = projects.map((name) => `<a href="${name}/">${escapeHtml(name)}</a>\n    `);
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta name="pypi:repository-version" content="${REPOSITORY_VERSION}">
    <title>Simple index</title>
  </head>
  <body>
    ${anchors.join("")}</body>
</html>
`;
}

/** The page of one project. */
export function renderProjectHtml(page: ProjectPage): string {
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta name="pypi:repository-version" content="${REPOSITORY_VERSION}">
    
    ${statusMetas(page.status ?? { status: "active" })}
    <title>Links for ${escapeHtml(page.project)}</title>
  </head>
  <body>
    <h1>Links for ${escapeHtml(page.project)}</h1>
    ${page.files.map(anchorOf).join("")}</body>
</html>
${page.serial > 0 ? `<!--SERIAL ${page.serial}-->` : ""}`;
}

// The blank line above it is where the public index would put alternate locations.
function statusMetas({ status, reason }: ProjectStatus): string {
  const meta = `<meta name="pypi:project-status" content="${escapeHtml(status)}">`;
  if (reason === undefined) return meta;
  return `${meta}<meta name="pypi:project-status-reason" content="${escapeHtml(reason)}">`;
}

function anchorOf(file: IndexFile): string {
  const fragment = file.sha256 === undefined ? "" : `#sha256=${file.sha256}`;
  const href = `<a href="${escapeHtml(file.url)}${fragment}" `;
  return `${href}${attributesOf(file)}>${escapeHtml(file.filename)}</a><br />\n    `;
}

// The blanks follow the public index: one behind each attribute, and one before provenance.
function attributesOf(file: IndexFile): string {
  let text = "";
  if (file.requiresPython !== undefined) {
    text += `data-requires-python="${escapeHtml(file.requiresPython)}" `;
  }
  if (file.yanked !== undefined) {
    text += `data-yanked="${file.yanked === true ? "" : escapeHtml(file.yanked)}" `;
  }
  if (file.metadataSha256 !== undefined) {
    const digest = `sha256=${file.metadataSha256}`;
    text += `data-dist-info-metadata="${digest}" data-core-metadata="${digest}"`;
  }
  if (file.provenance !== undefined) text += ` data-provenance="${escapeHtml(file.provenance)}"`;
  return text;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** A text as it stands in HTML, between tags or in an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
