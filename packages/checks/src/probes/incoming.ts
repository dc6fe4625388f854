/** Data received from a server, as latin1 text: read by line or by piece, each octet examined once. */
export class Incoming {
  /** Pieces not read yet; the first one from `#at` on. */
  readonly #pieces: string[] = [];
  #at = 0;
  /** The beginning of an incomplete line. */
  #partial: string[] = [];

  add(piece: string): void {
    this.#pieces.push(piece);
  }

  /** The next line without its line break; undefined while it is incomplete. */
  line(): string | undefined {
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      const end = piece.indexOf('\n', this.#at);
      const rest = piece.slice(this.#at, end === -1 ? undefined : end);
      if (end === -1) {
        if (rest !== '') this.#partial.push(rest);
        this.#pieces.shift();
        this.#at = 0;
        continue;
      }
      this.#at = end + 1;
      const line = this.#partial.length === 0 ? rest : this.#partial.join('') + rest;
      if (this.#partial.length > 0) this.#partial = [];
      return line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    return undefined;
  }

  /** Everything not read yet; '' for nothing. */
  all(): string {
    const [first = '', ...others] = this.#pieces.splice(0);
    const text = [...this.#partial.splice(0), first.slice(this.#at), ...others].join('');
    this.#at = 0;
    return text;
  }
}
