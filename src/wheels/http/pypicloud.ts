/** PyPICloud's routes, for its clients: they come with its rights, beside the others. */

import { type PackageRouteParts, packageRoutes, pypicloudUpload } from "./package_routes.ts";
import { packagesPageRoutes } from "./packages_page.ts";
import { rebuildRoutes } from "./rebuild.ts";
import { releaseRoutes } from "./release_routes.ts";
import type { Handler, Routes } from "./routes.ts";
import { isXmlCall, search } from "./search.ts";
import { type SimpleParts, simpleRoutes } from "./simple.ts";
import { upload } from "./upload.ts";

/** What PyPICloud's routes are answered from. */
export type PypicloudParts = PackageRouteParts & SimpleParts;

/** The routes with PyPICloud's added: further ones, and uploads and searches at the paths of pages. */
export function withPypicloud(routes: Routes, parts: PypicloudParts): Routes {
  const pages: Routes = { ...routes, ...simpleRoutes(parts, "pypi") };
  const post: Handler = (request) =>
    isXmlCall(request) ? search(parts, request) : upload(parts, request, pypicloudUpload);
  const places = ["/", "/simple", "/simple/", "/pypi", "/pypi/"];
  return {
    ...pages,
    ...Object.fromEntries(places.map((path) => [path, { ...pages[path], POST: post }])),
    ...packageRoutes(parts),
    ...packagesPageRoutes(parts),
    ...rebuildRoutes(parts),
    ...releaseRoutes(parts),
  };
}
