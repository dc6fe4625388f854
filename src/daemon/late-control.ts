/** A control socket that cannot be created (read-only /run, no space) does not stop the service: it is retried. */
import type {Control} from '../control/access.ts';
import type {Log} from '../system/log.ts';

const AGAIN_MS = 5_000;

export async function openControlOrLater(open: () => Promise<Control>, log: Log): Promise<Control> {
  let control: Control | undefined;
  let wanted: Parameters<Control['configure']>[0] | undefined;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  async function attempt(): Promise<void> {
    try {
      control = await open();
      if (wanted) await control.configure(wanted);
      if (problem !== undefined) log('info', 'the control socket is open: hactl works again');
      problem = undefined;
    } catch (error) {
      if (problem === undefined)
        log('error', `no control socket, hactl cannot be used until there is one: ${String(error)}`);
      problem = `no control socket: ${String(error)}`;
      timer = setTimeout(() => void attempt(), AGAIN_MS).unref();
    }
  }
  await attempt();
  return {
    configure: async (access) => {
      wanted = access;
      return control ? control.configure(access) : [problem ?? 'no control socket'];
    },
    close: async () => {
      clearTimeout(timer);
      await control?.close();
    },
  };
}
