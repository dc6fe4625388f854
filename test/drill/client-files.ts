/** What runs on the client of a drill, with all that it imports: a client of its own machine has no checkout. */
export const clientFiles: readonly string[] = [
  'test/options.ts',
  'test/drill/client.ts',
  'test/drill/request.ts',
  'test/drill/load/generator.ts',
  'test/drill/load/schedule.ts',
];
