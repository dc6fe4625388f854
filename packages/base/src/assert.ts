/** Thrown when our own code violates an invariant: the process exits and the peer takes over. */
export class AssertionFailed extends Error {
  override name = 'AssertionFailed';
}

/** Asserts an invariant; a false condition is our bug, never a peer's or an operator's fault. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** Marks a branch that the types prove unreachable. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable: ${JSON.stringify(value)}`);
}
