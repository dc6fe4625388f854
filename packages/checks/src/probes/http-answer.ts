/**
 * The answer to an HTTP request, read piece by piece: every octet is examined once, and the size is bounded
 * (RFC 9112; lines may end with a bare LF, section 2.2). Octets are characters of latin1. Pure.
 */

/** A larger page is not read to its end: `receive` must match within this. */
export const BODY_MAX = 1 << 20;
/** Maximum octets of all heads, including interim answers and trailers. */
export const HEAD_MAX = 1 << 16;
/** 100 Continue, 103 Early Hints: servers send few of them. */
export const INTERIM_MAX = 16;
/** Maximum chunks of a body, and octets of a chunk's first line. */
export const CHUNKS_MAX = 1 << 16;
const CHUNK_LINE_MAX = 4_096;

type Part =
  'status' | 'headers' | 'length' | 'close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'end';

export class HttpAnswer {
  /** The final status; undefined until its head is complete. */
  status: number | undefined;
  location: string | undefined;
  /** The reason why the answer is invalid; nothing after it is read. */
  problem: string | undefined;
  body = '';
  /** The first characters, for reasons. */
  beginning = '';

  /** It answers a HEAD, so it has no body. */
  readonly #headOnly: boolean;
  #part: Part = 'status';
  #line: string[] = [];
  #lineLength = 0;
  #headOctets = 0;
  #interim = 0;
  #chunks = 0;
  /** Octets missing from the body or the chunk. */
  #left = 0;
  #code = 0;
  #length: number | undefined;
  #chunked = false;

  constructor(headOnly: boolean) {
    this.#headOnly = headOnly;
  }

  get headComplete(): boolean {
    return this.status !== undefined;
  }

  /** The answer is complete. */
  get complete(): boolean {
    return this.#part === 'end';
  }

  /** Is the body incomplete? For use when the connection is closed. */
  get truncated(): boolean {
    return this.headComplete && this.#part !== 'end' && this.#part !== 'close';
  }

  /** Takes the next octets. */
  feed(text: string): void {
    if (this.beginning.length < 40) this.beginning += text.slice(0, 40 - this.beginning.length);
    for (let at = 0; at < text.length && this.problem === undefined && this.#part !== 'end';)
      at = this.#step(text, at);
  }

  #step(text: string, at: number): number {
    switch (this.#part) {
      case 'length':
      case 'chunk':
      case 'close':
        return this.#data(text, at);
      default:
        return this.#readLine(text, at);
    }
  }

  #data(text: string, at: number): number {
    const wanted = this.#part === 'close' ? Infinity : this.#left;
    const end = Math.min(text.length, at + wanted, at + BODY_MAX - this.body.length);
    this.body += at === 0 && end === text.length ? text : text.slice(at, end);
    this.#left -= end - at;
    if (this.body.length >= BODY_MAX) this.#part = 'end';
    else if (this.#left === 0 && this.#part !== 'close')
      this.#part = this.#part === 'chunk' ? 'chunk-end' : 'end';
    return end;
  }

  #readLine(text: string, at: number): number {
    const newline = text.indexOf('\n', at);
    const end = newline === -1 ? text.length : newline;
    this.#count(end - at + 1);
    if (this.problem !== undefined) return text.length;
    if (newline === -1) {
      this.#line.push(text.slice(at));
      if (this.#part === 'status' && this.beginning.length >= 5) this.#mustBeHttp();
      return text.length;
    }
    let line = text.slice(at, text[end - 1] === '\r' ? end - 1 : end);
    if (this.#line.length > 0) {
      line = this.#line.join('') + line;
      if (line.endsWith('\r')) line = line.slice(0, -1);
      this.#line = [];
    }
    this.#lineLength = 0;
    this.#takeLine(line);
    return end + 1;
  }

  #count(octets: number): void {
    this.#lineLength += octets;
    if (this.#part === 'chunk-size' || this.#part === 'chunk-end') {
      if (this.#lineLength > CHUNK_LINE_MAX) this.problem = 'a chunk of the body has no size';
    } else {
      this.#headOctets += octets;
      if (this.#headOctets > HEAD_MAX) this.problem = `no end of the answer's head within ${HEAD_MAX} octets`;
    }
  }

  #mustBeHttp(): void {
    if (this.#interim === 0 && !this.beginning.startsWith('HTTP/'))
      this.problem = `the answer is not HTTP: ${JSON.stringify(this.beginning)}`;
  }

  #takeLine(line: string): void {
    switch (this.#part) {
      case 'status': {
        const status = /^HTTP\/\d(?:\.\d)? (\d{3})/.exec(line)?.[1];
        if (status === undefined)
          this.problem = `the answer is not HTTP: ${JSON.stringify(this.#interim === 0 ? this.beginning : line.slice(0, 40))}`;
        this.#code = Number(status);
        this.#part = 'headers';
        return;
      }
      case 'headers':
        if (line === '') this.#endOfHead();
        else this.#takeHeader(line);
        return;
      case 'chunk-size': {
        const size = /^[ \t]*([\da-f]{1,8})[ \t]*(?:;|$)/i.exec(line)?.[1];
        this.#chunks += 1;
        if (size === undefined) this.problem = 'a chunk of the body has no size';
        else if (this.#chunks > CHUNKS_MAX) this.problem = `more than ${CHUNKS_MAX} chunks in the body`;
        this.#left = Number.parseInt(size ?? '0', 16);
        this.#part = this.#left === 0 ? 'trailers' : 'chunk';
        return;
      }
      case 'chunk-end':
        if (line !== '') this.problem = 'a chunk of the body is longer than its size';
        this.#part = 'chunk-size';
        return;
      default:
        if (line === '') this.#part = 'end';
    }
  }

  /** Most headers do not matter to a check: the first letter decides. */
  #takeHeader(line: string): void {
    switch (line[0]) {
      case 'C':
      case 'c': {
        const length = /^content-length[ \t]*:[ \t]*(\d+)/i.exec(line)?.[1];
        if (length !== undefined) this.#length ??= Number(length);
        return;
      }
      case 'T':
      case 't':
        if (/^transfer-encoding[ \t]*:.*chunked/i.test(line)) this.#chunked = true;
        return;
      case 'L':
      case 'l': {
        const location = /^location[ \t]*:[ \t]*(\S+)/i.exec(line)?.[1];
        if (location !== undefined) this.location ??= location;
      }
    }
  }

  #endOfHead(): void {
    const code = this.#code;
    // An interim answer: the final one follows. 101 is final, and was not requested.
    if (code < 200 && code !== 101) {
      this.#interim += 1;
      if (this.#interim > INTERIM_MAX)
        this.problem = `more than ${INTERIM_MAX} interim answers (HTTP ${code})`;
      this.#part = 'status';
      this.#length = undefined;
      this.#chunked = false;
      this.location = undefined;
      return;
    }
    this.status = code;
    if (this.#headOnly || code === 101 || code === 204 || code === 304) this.#part = 'end';
    else if (this.#chunked) this.#part = 'chunk-size';
    else if (this.#length === undefined) this.#part = 'close';
    else {
      this.#left = this.#length;
      this.#part = this.#left === 0 ? 'end' : 'length';
    }
  }
}
