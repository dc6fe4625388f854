/** Routes that act on the running pair: overrides for real servers, planned moves, a drill. */
import type {FastifyInstance} from 'fastify';
import type {Move, MoveScope} from '@hactl/failover';
import type {OrderAction} from '../control/protocol.ts';
import type {Daemon} from './daemon.ts';
import {declare, object} from './route.ts';
import {MOVE_LIMIT_MS, ORDER_LIMIT_MS} from '../system/limits.ts';

const actions: readonly OrderAction[] = [
  'drain',
  'undrain',
  'weight',
  'weight-reset',
  'maintenance-on',
  'maintenance-off',
];

export function operatorRoutes(app: FastifyInstance, daemon: Daemon): void {
  declare(app, {
    method: 'POST',
    url: '/api/orders',
    role: 'operator',
    summary: 'Overrides for real servers (drain, weight, maintenance), on both directors.',
    body: object(
      {
        action: {type: 'string', enum: actions},
        reals: {
          type: 'array',
          minItems: 1,
          maxItems: 1_000,
          items: {type: 'string', minLength: 1, maxLength: 255},
        },
        virtual: {type: 'string', maxLength: 255},
        weight: {type: 'integer', minimum: 0, maximum: 65_535},
        reason: {type: 'string', maxLength: 255},
      },
      ['action', 'reals'],
    ),
    work: ({body, session}) => {
      const order = body as {
        action: OrderAction;
        reals: string[];
        virtual?: string;
        weight?: number;
        reason?: string;
      };
      return daemon.command(
        {command: 'order', ...order, who: `${session?.user ?? ''} (console)`},
        ORDER_LIMIT_MS,
      );
    },
  });

  declare(app, {
    method: 'POST',
    url: '/api/move',
    role: 'operator',
    summary: 'standby, takeover or failback; answers when the move is complete.',
    body: object({
      move: {type: 'string', enum: ['standby', 'takeover', 'failback']},
      scope: {type: 'string', enum: ['all', 'local', 'foreign']},
    }),
    work: ({body}) => {
      const {move, scope} = body as {move: Move; scope: MoveScope};
      return daemon.command({command: 'move', move, scope}, MOVE_LIMIT_MS);
    },
  });
}
