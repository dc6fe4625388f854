/** Which resources were started, kept across a crash of the daemon. */
import {readFileSync, rmSync} from 'node:fs';
import {replaceFile} from '@hactl/base/files';
import type {Log} from '../system/log.ts';

export interface ResourceMemory {
  /** Keys of the resources that an earlier process started and did not stop. */
  readonly inherited: ReadonlySet<string>;
  save(keys: readonly string[]): void;
}

/** `file` is below /run, so that it does not survive a reboot. An unreadable file counts as none. */
export function openResourceMemory(file: string, log: Log): ResourceMemory {
  return {
    inherited: new Set(readKeys(file)),
    save: (keys) => {
      try {
        if (keys.length > 0) replaceFile(file, JSON.stringify(keys), 0o600);
        else rmSync(file, {force: true});
      } catch (error) {
        log('warn', `cannot write ${file}: ${String(error)}`);
      }
    },
  };
}

function readKeys(file: string): string[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as string[];
  } catch {
    return [];
  }
}
