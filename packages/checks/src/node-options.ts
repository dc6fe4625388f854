/**
 * V8's options of every checks process. A check's garbage dies young: 10,000 real servers take 307 MB with V8's default young
 * generation of 16 MB, 197 MB with 8. Large answers of hostile servers grow the old generation, which is collected early for
 * that (main.ts): 51 kinds of them take 207 to 233 MB, 262 to 307 without it (docs/measurements.md).
 */
export const NODE_OPTIONS: readonly string[] = ['--max-semi-space-size=4'];
