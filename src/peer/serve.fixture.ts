/** The server side as a separate process: `serve.fixture.ts SETTINGS-AS-JSON`; says 'ready' over IPC. */
import {peerHandlers} from '../control/handlers.fixture.ts';
import {answerPeerWith, servePeer} from './serve.ts';
import type {PeerSettings} from './settings.ts';

const settings = JSON.parse(process.argv[2] ?? '{}') as PeerSettings;
const server = servePeer({
  log: (level, text) => process.send?.({level, text}),
  settings: () => settings,
  answer: answerPeerWith(
    peerHandlers({
      // The id selects the answer: this many octets, or none at all.
      'push-outcome': ({id}) => {
        process.send?.({level: 'info', text: 'answered'});
        return id === 'hang'
          ? new Promise(() => undefined)
          : Promise.resolve({state: String(process.pid), text: 'x'.repeat(Number(id))});
      },
      status: () => {
        process.send?.({level: 'info', text: 'looks'});
        return new Promise(() => undefined);
      },
    }),
  ),
});
server.configure();
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
