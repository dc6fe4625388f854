/** Audit log of the console: one JSON object per line, appended before the answer is sent. */
import {appendFileSync, existsSync, readFileSync, renameSync, statSync} from 'node:fs';
import type {WallTime} from '@hactl/base';

export interface AuditEntry {
  readonly wall: WallTime;
  readonly user: string;
  readonly address: string;
  /** `POST /api/orders` or `login`. */
  readonly action: string;
  /** The request's parameters, without passwords. */
  readonly detail: string;
  /** HTTP status of the answer. */
  readonly status: number;
}

/** Maximum octets; a larger file is rotated to `audit.1.jsonl`. */
const FILE_MOST = 4 << 20;

export interface Audit {
  write(entry: AuditEntry): void;
  /** The latest `count` entries, newest first. */
  newest(count: number): AuditEntry[];
}

export function openAudit(stateDir: string): Audit {
  const file = `${stateDir}/audit.jsonl`;
  return {
    write: (entry) => {
      if (existsSync(file) && statSync(file).size > FILE_MOST) renameSync(file, `${stateDir}/audit.1.jsonl`);
      appendFileSync(file, JSON.stringify(entry) + '\n', {mode: 0o600});
    },
    newest: (count) => {
      if (!existsSync(file)) return [];
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count);
      return lines
        .flatMap((line) => {
          try {
            return [JSON.parse(line) as AuditEntry];
          } catch {
            // Truncated by a full disk.
            return [];
          }
        })
        .reverse();
    },
  };
}
