/** What `hactl init` asks for if it was not given as an option. Pure. */
import type {ChoiceProblem, Choices} from './choices.ts';

export interface Question {
  readonly option: string;
  readonly text: string;
  /** The default for an empty answer. */
  readonly fallback?: string;
}

const isMissing: Readonly<Record<string, (choices: Choices) => boolean>> = {
  '--peer': ({peer}) => peer === undefined,
  '--vip': ({vips}) => vips.length === 0,
  '--service': ({services}) => services.length === 0,
  '--server': ({servers}) => servers.length === 0,
  '--method': ({method}) => method === undefined,
  '--gateway': ({method, gateway}) => method === 'masq' && gateway === undefined,
};

/** In this order: whether the last is asked depends on the answer before it. */
export const questions: readonly Question[] = [
  {option: '--peer', text: 'Name of the second director (uname -n there; "none": there is none)'},
  {option: '--vip', text: 'Virtual address, as 192.0.2.100/24'},
  {option: '--service', text: 'Ports of the service, as 80 443', fallback: '80'},
  {option: '--server', text: 'Real servers, as 192.0.2.11 192.0.2.12'},
  {option: '--method', text: 'Forwarding: gate (LVS-DR), masq (LVS-NAT) or ipip (LVS-TUN)', fallback: 'gate'},
  {
    option: '--gateway',
    text: 'Moving address that is the default route of the real servers, as 10.0.0.254/24',
    fallback: 'none',
  },
];

/** Whether the question remains. */
export const isOpen = ({option}: Question, choices: Choices): boolean =>
  isMissing[option]?.(choices) ?? false;

/** The choices with an answer. */
export function withAnswer(choices: Choices, {option, fallback}: Question, answer: string): Choices {
  const words = (answer.trim() || fallback || '').split(/[\s,]+/).filter((word) => word !== '');
  const [first] = words;
  switch (option) {
    case '--peer':
      return first === undefined ? choices : {...choices, peer: /^(none|-)$/i.test(first) ? '' : first};
    case '--vip':
      return {...choices, vips: words};
    case '--service':
      return {...choices, services: words};
    case '--server':
      return {...choices, servers: words};
    case '--method':
      return first === undefined ? choices : {...choices, method: first};
    case '--gateway':
      return first === undefined ? choices : {...choices, gateway: /^(none|-)$/i.test(first) ? '' : first};
    default:
      return choices;
  }
}

/** The choices without the wrong ones, to ask for them again; undefined if one of them has no question. */
export function withoutWrong(choices: Choices, problems: readonly ChoiceProblem[]): Choices | undefined {
  const wrong = new Set(problems.map(({option}) => option));
  if ([...wrong].some((option) => !(option in isMissing))) return undefined;
  const {peer, method, gateway, ...rest} = choices;
  return {
    ...rest,
    ...(peer === undefined || wrong.has('--peer') ? {} : {peer}),
    ...(method === undefined || wrong.has('--method') ? {} : {method}),
    ...(gateway === undefined || wrong.has('--gateway') ? {} : {gateway}),
    vips: wrong.has('--vip') ? [] : choices.vips,
    services: wrong.has('--service') ? [] : choices.services,
    servers: wrong.has('--server') ? [] : choices.servers,
  };
}
