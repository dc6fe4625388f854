/** The context of the parts of the command tree. */
import type {Command} from 'commander';

export interface Cli {
  readonly program: Command;
  /** The daemon's control socket, once the command line is parsed. */
  readonly socket: () => string;
  /** Takes the exit status of the command that runs. */
  readonly run: (work: Promise<number>) => Promise<void>;
}
