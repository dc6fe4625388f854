/** One thing that was looked at, and what came of it. */
export interface HostFinding {
  readonly level: 'good' | 'note' | 'warning' | 'bad';
  /** What was looked at: `ip_forward`, `clock`, an address. */
  readonly subject: string;
  readonly text: string;
  /** What to do; always with a warning and with what is bad. */
  readonly help?: string;
}

export const found = (
  level: HostFinding['level'],
  subject: string,
  text: string,
  help?: string,
): HostFinding => ({level, subject, text, ...(help === undefined ? {} : {help})});
