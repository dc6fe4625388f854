/** The rooms of src, top first. A room imports rooms below it only (docs/architecture.md). */
export const ladder: readonly string[] = [
  'entries',
  'cli',
  'console',
  'compat',
  'daemon',
  'configuration',
  'peer',
  'alerts',
  'operators',
  'journal',
  'table',
  'resources',
  'roles',
  'control',
  'host',
  'system',
];
