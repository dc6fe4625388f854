/** Option parsing of the rig's programs. */
import {parseArgs, type ParseArgsConfig} from 'node:util';

/** `parseArgs`, except that an unknown option prints one line, the valid options in a second, and exits with status 2. */
export function readOptions<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [wrong = ''] = (error as Error).message.split(/\. |\n/);
    const names = Object.keys(config.options ?? {}).map((name) => `--${name}`);
    process.stderr.write(`${wrong}\noptions: ${names.length === 0 ? 'none' : names.join(' ')}\n`);
    process.exit(2);
  }
}
