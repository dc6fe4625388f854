/** Thrown when our own code broke a promise: the process ends and the peer takes over. */
export class AssertionFailed extends Error {
  override name = 'AssertionFailed';
}

/** States what must hold; a false condition is our bug, never a peer's or an operator's fault. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** Marks a branch that the types prove unreachable. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`);
}
