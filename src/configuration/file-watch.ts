/** Sees that a configuration file changed on disk: by its time first, then by its content, as ldirectord does. */
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
  /** Those whose content is another than when they were looked at before: each change is told once. */
  look(): readonly string[];
  /** Watches these and no others; one that was watched already keeps what was seen of it. */
  follow(files: readonly string[]): void;
  stop(): void;
}

/** Looks every so often, and tells `changed` what it found. */
export function watchFiles(changed: (files: readonly string[]) => void, every = EVERY): FileWatch {
  let seen = new Map<string, Seen>();
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
  const timer = setInterval(() => {
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
