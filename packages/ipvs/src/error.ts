/** The kernel's refusal of an operation on the table. */
export class IpvsError extends Error {
  override name = 'IpvsError';
  readonly op: string;
  readonly target: string;
  /** EEXIST, ESRCH, ENOENT, EINVAL, EPERM, … */
  readonly code: string;

  constructor(op: string, target: string, code: string, cause?: unknown) {
    super(`${op} ${target}: ${code}`, {cause});
    this.op = op;
    this.target = target;
    this.code = code;
  }
}
