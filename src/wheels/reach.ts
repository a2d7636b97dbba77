/** What somebody gets to see of a wheelhouse. */

/** Which projects and files are there for whoever asks. Default: all. */
export interface Reach {
  /** Whether a project, by its normalised name, is there. */
  mayRead(project: string): boolean;
  /** Whether the upstream is asked. */
  readonly mayFill: boolean;
}

/** Everything is there. */
export const EVERYTHING: Reach = Object.freeze({ mayRead: () => true, mayFill: true });
