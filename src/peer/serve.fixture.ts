/** The asked side as a process of its own: `serve.fixture.ts SETTINGS-AS-JSON`; says 'ready' over IPC. */
import {servePeer} from './serve.ts';
import type {PeerSettings} from './settings.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as PeerSettings;
const server = servePeer({
  log: (level, text) => process.send?.({level, text}),
  settings: () => settings,
  answer: (command) => {
    const {what, size} = command as {what?: string; size?: number};
    if (what === 'hang') return new Promise(() => undefined);
    return Promise.resolve({pid: process.pid, text: 'x'.repeat(size ?? 0)});
  },
});
server.configure();
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
