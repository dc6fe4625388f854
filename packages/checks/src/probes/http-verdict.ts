/** The verdict on an HTTP answer. Pure. */
import type {CheckSpec} from '../messages.ts';
import type {HttpAnswer} from './http-answer.ts';

export const REDIRECTS_MAX = 7;

/** The answer so far, and the request. */
export interface AnswerSoFar {
  readonly answer: HttpAnswer;
  /** The connection is closed. */
  readonly last: boolean;
  /** Redirects followed so far. */
  readonly redirects: number;
  /** Does the body match `receive`; `ended`: the body is complete. */
  readonly matches: (body: string, ended: boolean) => boolean;
}

export type HttpVerdict =
  | {readonly type: 'incomplete'}
  | {readonly type: 'redirect'; readonly location: string}
  | {readonly type: 'verdict'; readonly passed: boolean; readonly reason: string};

const ORDINARY = [[200, 299]] as const;

const rangesText = (ranges: NonNullable<CheckSpec['statuses']>): string =>
  ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(' ');

const verdict = (passed: boolean, reason: string): HttpVerdict => ({type: 'verdict', passed, reason});

/** Judges the answer received so far. Rethrows the errors of `matches`. */
export function judgeAnswer(spec: CheckSpec, soFar: AnswerSoFar): HttpVerdict {
  const {answer, last, redirects, matches} = soFar;
  const {problem, status, location} = answer;
  if (problem !== undefined) return verdict(false, problem);
  if (status === undefined) return last ? closedEarly(spec, answer) : {type: 'incomplete'};
  const {statuses} = spec;
  if (!statuses && status >= 300 && status < 400 && location !== undefined && redirects < REDIRECTS_MAX)
    return {type: 'redirect', location};
  if (!(statuses ?? ORDINARY).some(([first, end]) => status >= first && status <= end))
    return verdict(
      false,
      `HTTP ${status}${statuses ? `, expected ${rangesText(statuses)}` : ''}${spec.receive === undefined ? '' : `, expected body /${spec.receive}/`}`,
    );
  const ended = last || answer.complete;
  const found = spec.receive !== undefined && matches(answer.body, ended);
  return found || ended ? judgeBody(spec, status, answer, found) : {type: 'incomplete'};
}

function closedEarly({address, port}: CheckSpec, {beginning}: HttpAnswer): HttpVerdict {
  const closed = `${address} port ${port} closed the connection`;
  return verdict(
    false,
    beginning === ''
      ? `${closed} without an answer`
      : `${closed} within the head of the answer: ${JSON.stringify(beginning)}`,
  );
}

/** The verdict on a complete answer, or on one that stays incomplete. */
function judgeBody(spec: CheckSpec, status: number, answer: HttpAnswer, found: boolean): HttpVerdict {
  const about = `HTTP ${status}`;
  if (spec.receive !== undefined) {
    if (found) return verdict(true, `${about}, body matches /${spec.receive}/`);
    if (spec.httpMethod === 'HEAD')
      return verdict(
        false,
        `${about}, but a HEAD has no body to match /${spec.receive}/: use httpmethod=GET or no receive`,
      );
    const shown = JSON.stringify(answer.body.slice(0, 60));
    return verdict(false, `${about}, body does not match /${spec.receive}/: ${shown}`);
  }
  return answer.truncated
    ? verdict(false, `${about}, closed in the middle of the body, after ${answer.body.length} octets`)
    : verdict(true, about);
}
