/** The C library through koffi, and the errors of its calls. Only the files sys*.ts in this folder call it. */
import koffi from 'koffi';
import os from 'node:os';

export const libc = koffi.load('libc.so.6');

const errnoNames = new Map(Object.entries(os.constants.errno).map(([name, value]) => [value, name]));

/** The name of an error number, `EEXIST`; `E117` where Node knows no name. */
export const errnoName = (errno: number): string => errnoNames.get(errno) ?? `E${errno}`;

/** A failed system call: the operation, its target and the kernel's error. */
export class SystemError extends Error {
  override name = 'SystemError';
  readonly op: string;
  readonly target: string;
  readonly code: string;
  readonly errno: number;

  constructor(op: string, target: string, errno: number) {
    super(`${op} ${target}: ${errnoName(errno)}`);
    this.op = op;
    this.target = target;
    this.code = errnoName(errno);
    this.errno = errno;
  }
}

/** The result, or a SystemError for a negative one. */
export const check = (result: number, op: string, target: string): number => {
  if (result < 0) throw new SystemError(op, target, koffi.errno());
  return result;
};
