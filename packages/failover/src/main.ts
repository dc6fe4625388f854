/** The failover engine's process: real-time, small, limited to adverts, addresses and announcements. */
import {systemClock} from '@hactl/base';
import {setRealtime} from '@hactl/net';
import {startEngine} from './driver/engine.ts';
import {makeWatchdog} from './driver/watchdog.ts';
import type {FromEngine, ToEngine} from './messages.ts';

// Started manually it would wait for the supervisor forever.
if (!process.connected) {
  process.stderr.write('this process is started by hactld\n');
  process.exit(2);
}
process.title = 'hactld-failover';

let engine: ReturnType<typeof startEngine> | undefined;
const say = (message: FromEngine): void => {
  if (process.connected)
    process.send?.(message, undefined, undefined, () => {
      /* A supervisor that dies during a send is noticed by 'disconnect'. */
    });
};
const watchdog = makeWatchdog((message) => say({type: 'event', level: 'error', code: 'watchdog', message}));
const quit = (): void => {
  watchdog.release();
  // The last message and the last advert are sent in the next turn.
  setTimeout(() => process.exit(0), 5);
};

process.on('message', (message: ToEngine) => {
  if (message.type !== 'configure') {
    if (engine) engine.receive(message);
    else if (message.type === 'stop') quit();
    return;
  }
  watchdog.use(message.config.watchdog);
  if (engine) {
    engine.reconfigure(message.config);
    return;
  }
  const {realtime, rtPriority} = message.config;
  const answer = realtime
    ? setRealtime(rtPriority)
    : {realtime: false, text: 'not real-time: realtime off in ha.cf'};
  if (!answer.realtime) say({type: 'event', level: 'warn', code: 'not-realtime', message: answer.text});
  engine = startEngine(message.config, systemClock, answer.text, say, quit);
});
process.on('disconnect', () => {
  if (engine) engine.orphaned();
  else process.exit(0);
});
// The supervisor decides when we exit; a signal to the process group (Ctrl-C) must not pre-empt it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
say({type: 'ready', pid: process.pid, realtime: 'starting'});
