import test from 'ava';
import {parseLdirectordCf} from '@hactl/config';
import type {Loaded} from './loaded.ts';
import {unattendedRefusal} from './unattended.ts';

const loaded = (text: string): Loaded => {
  const resolve = {host: () => undefined, service: () => undefined};
  const {model} = parseLdirectordCf({path: 'x.cf', text}, {mode: 'lenient', resolve});
  const cluster = {
    haresources: {path: '', groups: []},
    authkeys: {path: '', active: 0, keys: []},
    ldirectord: [model],
  };
  return {cluster, digest: '', notices: 0, at: 0};
};
const web = 'virtual=10.0.0.1:80\n\treal=10.0.0.2:80 gate\n\treal=10.0.0.3:80 gate\n';
const mail = 'virtual=10.0.0.1:25\n\treal=10.0.0.2:25 gate\n';

test('only a requested reload may empty a running service', (t) => {
  const running = loaded(`autoreload=yes\n${web}${mail}`);
  for (const [what, text, expected] of [
    ['an empty file', '', /no virtual service would be left/],
    ['a file of comments', '# to do\nautoreload=yes\n', /no virtual service would be left/],
    [
      'a service without servers',
      `virtual=10.0.0.1:80\n\tscheduler=rr\n${mail}`,
      /^tcp 10.0.0.1:80 would lose all/,
    ],
    ['one server less', web.replace('\treal=10.0.0.3:80 gate\n', '') + mail, undefined],
    ['one service less', web, undefined],
    ['one service more', `${web}${mail}${web.replaceAll(':80', ':443')}`, undefined],
  ] as const) {
    const refusal = unattendedRefusal(running, loaded(text));
    if (expected === undefined) t.is(refusal, undefined, what);
    else t.regex(refusal ?? '', expected, what);
  }
  t.is(unattendedRefusal(loaded(''), loaded('')), undefined, 'nothing ran before');
});
