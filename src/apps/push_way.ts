/** The ways in which indexes take files. */

import { fieldAround, formAround, type FormFacts, type FormFrame } from "./push_form.ts";

/** How an index takes files. */
export interface UploadWay {
  /** Whether it replaces what it has by a file's name, so that nothing is sent before it was asked. */
  readonly overwrites: boolean;
  /** The form of a file, and the address that it is put to, if each file has its own. */
  formOf(facts: FormFacts, boundary: string): UploadForm;
}

/** A form, and where it goes. */
export interface UploadForm extends FormFrame {
  /** Where it is put; it is posted to the one address of the index where this is left out. */
  readonly address?: string;
}

/** As twine sends files: all to one address, which takes no second file of a name. */
export const twineWay: UploadWay = Object.freeze({ overwrites: false, formOf: formAround });

/** As curdling's uploader does: each to its own address below `url`, which curdling overwrites. */
export function curdlingWay(url: string): UploadWay {
  return Object.freeze({
    overwrites: true,
    formOf: ({ filename }: FormFacts, boundary: string) => ({
      ...fieldAround(filename, boundary),
      address: new URL(encodeURIComponent(filename), url).href,
    }),
  });
}
