/** Reasons for logs, mails and terminals: server output is shown, but cannot control a terminal. Pure. */

/** Maximum characters of a reason. */
const REASON_MAX = 300;
const PLAIN = /^[\x20-\x7e]*$/;

/** Cut to length, with control characters (C0, C1, direction marks) shown as `?`. */
export function printable(reason: string): string {
  const cut = reason.length > REASON_MAX ? reason.slice(0, REASON_MAX) : reason;
  if (PLAIN.test(cut)) return cut;
  return cut.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]+/gu, '?');
}
