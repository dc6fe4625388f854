/** Detects that a configuration file changed on disk: by its time first, then by its content, as ldirectord does. */
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
  /** Those whose content is another than when they were looked at before: each change is reported once. */
  look(): readonly string[];
  /** Watches these and no others; one that was watched already keeps what was seen of it. */
  follow(files: readonly string[]): void;
  stop(): void;
}

/**
 * Looks every so often, and tells `changed` what it found: a file that has stayed the same for one look, because one that
 * is being written may be empty or half of itself for a moment.
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
