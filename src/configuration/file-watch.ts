/** Detects changes of a configuration file on disk: by mtime first, then by content, as ldirectord does. */
import {createHash} from 'node:crypto';
import {readFileSync, statSync} from 'node:fs';

const EVERY = 1_000;

interface Seen {
  readonly modified: number;
  readonly content: string;
}

const look = (file: string): number => statSync(file, {throwIfNoEntry: false})?.mtimeMs ?? 0;

function contentOf(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return 'none';
  }
}

export interface FileWatch {
  /** The files whose content changed since the last call; each change is reported once. */
  look(): readonly string[];
  /** Watches exactly these files; a file already watched keeps its last state. */
  follow(files: readonly string[]): void;
  stop(): void;
}

/**
 * Polls, and passes to `changed` the changed files that were stable for one interval: a file being written may be empty or
 * partial for a moment.
 */
export function watchFiles(changed: (files: readonly string[]) => void, every = EVERY): FileWatch {
  let seen = new Map<string, Seen>();
  let unsettled = new Map<string, string>();
  const find = (): readonly string[] => {
    const found: string[] = [];
    for (const [file, before] of seen) {
      const modified = look(file);
      if (modified === before.modified) continue;
      const content = contentOf(file);
      seen.set(file, {modified, content});
      if (content !== before.content) found.push(file);
    }
    return found;
  };
  const settled = (): boolean => {
    const before = unsettled;
    unsettled = new Map();
    for (const [file, {modified, content}] of seen) {
      if (look(file) === modified) continue;
      const now = contentOf(file);
      if (now !== content) unsettled.set(file, now);
    }
    return [...unsettled].every(([file, content]) => before.get(file) === content);
  };
  const timer = setInterval(() => {
    if (!settled()) return;
    const found = find();
    if (found.length > 0) changed(found);
  }, every);
  return {
    look: find,
    follow: (files) => {
      const before = seen;
      seen = new Map(
        files.map((file) => [file, before.get(file) ?? {modified: look(file), content: contentOf(file)}]),
      );
    },
    stop: () => clearInterval(timer),
  };
}
