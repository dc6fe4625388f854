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
  /** These files as they are now count as read. */
  remember(files: readonly string[]): void;
  stop(): void;
}

/** `changed` gets the files whose content is another than before; each change is told once. */
export function watchFiles(changed: (files: readonly string[]) => void, every = EVERY): FileWatch {
  const seen = new Map<string, Seen>();
  const timer = setInterval(() => {
    const found: string[] = [];
    for (const [file, before] of seen) {
      const modified = look(file);
      if (modified === before.modified) continue;
      const content = contentOf(file);
      seen.set(file, {modified, content});
      if (content !== before.content) found.push(file);
    }
    if (found.length > 0) changed(found);
  }, every);
  return {
    remember: (files) => {
      seen.clear();
      for (const file of files) seen.set(file, {modified: look(file), content: contentOf(file)});
    },
    stop: () => clearInterval(timer),
  };
}
