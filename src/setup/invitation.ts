/** Who may receive the pair's files, how often, and until when. Pure: the caller passes the time. */
import type {Instant, Millis} from '@hactl/base';

/** Lifetime of a token. */
export const INVITATION_LASTS: Millis = 10 * 60_000;
/** Maximum handshakes with a wrong key: somebody is guessing, or the token was copied wrongly. */
export const WRONG_TRIES = 5;

export interface InvitationState {
  readonly until: Instant;
  /** Directors that may join, as ha.cf names them. */
  readonly awaited: readonly string[];
  readonly wrong: number;
  /** `open`: the token is valid; `taken`: a director has the files, its result is pending; `over`: closed. */
  readonly phase: 'open' | 'taken' | 'over';
  readonly joined?: string;
}

/** The joining director's request. */
export interface JoinRequest {
  readonly node: string;
  readonly version: string;
}

/** Its result: whether the files are in place. */
export interface JoinOutcome {
  readonly ok: boolean;
  readonly text: string;
}

export type InvitationEvent =
  | {readonly kind: 'wrong-token'}
  | {readonly kind: 'asked'; readonly request: JoinRequest}
  | {readonly kind: 'outcome'; readonly outcome: JoinOutcome}
  /** The connection of the director that has the files ended. */
  | {readonly kind: 'lost'}
  | {readonly kind: 'tick'};

export type InvitationEffect =
  | {readonly kind: 'hand-out'}
  | {readonly kind: 'refuse'; readonly text: string}
  | {readonly kind: 'end'; readonly ok: boolean; readonly text: string};

export const openInvitation = (awaited: readonly string[], now: Instant): InvitationState => ({
  until: now + INVITATION_LASTS,
  awaited,
  wrong: 0,
  phase: 'open',
});

/** Whether the token is currently accepted. */
export const isOpen = ({phase, until}: InvitationState, now: Instant): boolean =>
  phase === 'open' && now < until;

const AGAIN = 'hactl invite prints a new token';

/** `version`: this director's. */
export function stepInvitation(
  version: string,
  state: InvitationState,
  event: InvitationEvent,
  now: Instant,
): readonly [InvitationState, readonly InvitationEffect[]] {
  const end = (ok: boolean, text: string): readonly [InvitationState, readonly InvitationEffect[]] => [
    {...state, phase: 'over'},
    [{kind: 'end', ok, text}],
  ];
  if (state.phase === 'over')
    return event.kind === 'asked' ? [state, [refuse('this token was used')]] : [state, []];
  if (state.phase === 'open' && now >= state.until) {
    const [over, effects] = end(false, `nobody joined within ${INVITATION_LASTS / 60_000} minutes: ${AGAIN}`);
    return [over, event.kind === 'asked' ? [refuse('this token has expired'), ...effects] : effects];
  }
  switch (event.kind) {
    case 'tick':
      return [state, []];
    case 'wrong-token': {
      if (state.phase === 'taken') return [state, []];
      const wrong = state.wrong + 1;
      if (wrong < WRONG_TRIES) return [{...state, wrong}, []];
      return end(false, `${wrong} times somebody came with a wrong token: this one is void; ${AGAIN}`);
    }
    case 'asked': {
      if (state.phase === 'taken') return [state, [refuse('this token was used')]];
      const {request} = event;
      const obstacle = joinObstacle(state.awaited, version, request);
      if (obstacle !== undefined) return [state, [refuse(obstacle)]];
      return [{...state, phase: 'taken', joined: request.node}, [{kind: 'hand-out'}]];
    }
    case 'outcome':
      if (state.phase !== 'taken') return [state, []];
      return event.outcome.ok
        ? end(true, `${state.joined ?? ''} has joined: ${event.outcome.text}`)
        : end(false, `${state.joined ?? ''} did not take the files: ${event.outcome.text}; then ${AGAIN}`);
    case 'lost':
      if (state.phase !== 'taken') return [state, []];
      return end(false, `${state.joined ?? ''} went away before it said that it has the files: ${AGAIN}`);
  }
}

const refuse = (text: string): InvitationEffect => ({kind: 'refuse', text});

/** Compatible releases: 0.2 of 0.2.1. */
const series = (version: string): string => version.split('.').slice(0, 2).join('.');

function joinObstacle(awaited: readonly string[], version: string, request: JoinRequest): string | undefined {
  if (!awaited.includes(request.node.toLowerCase()))
    return `the pair expects ${awaited.join(' or ')}, and this is ${request.node}: hostnamectl set-hostname ${awaited[0] ?? 'NAME'} there, or hactl init --replace --peer ${request.node} here`;
  if (series(request.version) !== series(version))
    return `the first director has hactl ${version}, this one ${request.version}: install one release on both`;
  return undefined;
}
