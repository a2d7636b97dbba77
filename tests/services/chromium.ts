import { findProgram, type Program } from "./program.ts";

/** A Chromium, or another browser of its kind. */
export const chromiumProgram: Program = findProgram([
  "chromium",
  "chromium-browser",
  "google-chrome",
]);
