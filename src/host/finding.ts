/** The result of one examination. */
export interface HostFinding {
  readonly level: 'good' | 'note' | 'warning' | 'bad';
  /** The subject: `ip_forward`, `clock`, an address. */
  readonly subject: string;
  readonly text: string;
  /** What to do; present in every warning and bad finding. */
  readonly help?: string;
}

export const found = (
  level: HostFinding['level'],
  subject: string,
  text: string,
  help?: string,
): HostFinding => ({level, subject, text, ...(help === undefined ? {} : {help})});
