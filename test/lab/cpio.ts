/** Writes "newc" cpio archives, the kernel's initramfs format. Pure. */

export interface CpioEntry {
  readonly name: string;
  /** Permission bits; `content` distinguishes files from folders. */
  readonly mode: number;
  /** undefined: a folder. */
  readonly content?: Uint8Array;
}

const align = (length: number): number => (length + 3) & ~3;

/** The archive, including the trailer. */
export function makeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, entry] of [
    ...entries,
    {name: 'TRAILER!!!', mode: 0, content: new Uint8Array()},
  ].entries()) {
    const name = Buffer.from(`${entry.name}\0`);
    const content = entry.content ?? new Uint8Array();
    const type = entry.name === 'TRAILER!!!' ? 0 : entry.content === undefined ? 0o040000 : 0o100000;
    const fields = [index + 1, type | entry.mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const head = Buffer.from('070701' + fields.map((field) => field.toString(16).padStart(8, '0')).join(''));
    const named = Buffer.alloc(align(head.length + name.length));
    head.copy(named);
    name.copy(named, head.length);
    const body = Buffer.alloc(align(content.length));
    body.set(content);
    parts.push(named, body);
  }
  return Buffer.concat(parts);
}
