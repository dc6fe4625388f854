/** Manual pages, made from the programs' help and docs/configuration.md. */
import {readFile} from 'node:fs/promises';
import {actions, USAGE} from '../../compat/ldirectord/command-line.ts';
import {DAEMON_TEXT, daemonOptions} from '../../system/daemon-options.ts';
import {ABOUT, defaultPaths, VERSION} from '../../system/paths.ts';
import {documentFile} from '../../system/programs.ts';
import {flatten, type CommandTree, type TreeOption} from '../command-tree.ts';
import {exitMeanings} from '../exit.ts';
import {bold, inline, item, page, text, type Section} from '../roff.ts';

export const pages = ['hactl.8', 'hactld.8', 'ldirectord-hactl.8', 'hactl-ha.cf.5'] as const;
export type Page = (typeof pages)[number];

const paragraphs = (lines: string): string => lines.trim().split('\n').map(text).join('\n');
const seeAlso = (self: Page): Section => ({
  title: 'SEE ALSO',
  body: pages
    .filter((page) => page !== self)
    .map((page) => `.BR ${text(page.replace(/\.\d$/, ''))} (${page.at(-1) ?? ''})`)
    .join(',\n'),
});

const optionItem = (option: TreeOption): string => {
  const flags = [...(option.short === undefined ? [] : [option.short]), option.long].map(bold).join(', ');
  const choices = option.choices.length === 0 ? '' : ` (${option.choices.join(', ')})`;
  return item(
    option.value === undefined ? flags : `${flags} ${text(option.value)}`,
    text(`${option.description}${choices}`),
  );
};

function hactl(tree: CommandTree): string {
  const commands = flatten(tree)
    .slice(1)
    .filter((command) => command.commands.length === 0 || command.options.length > 1)
    .map((command) => {
      const words = [command.path, ...command.arguments.map(({shown}) => shown)].join(' ');
      const options = command.options.filter(({long}) => long !== '--help').map(optionItem);
      const listed = command.arguments
        .filter(({description, choices}) => description !== '' || choices.length > 0)
        .map(({shown, description, choices}) =>
          item(text(shown), text(`${description}${choices.length > 0 ? ` (${choices.join(', ')})` : ''}`)),
        );
      return [`.SS ${words.replaceAll('-', '\\-')}`, text(command.description), ...listed, ...options].join(
        '\n',
      );
    });
  return page('hactl', 8, VERSION, 'see and steer a director pair for Linux Virtual Server', [
    {title: 'SYNOPSIS', body: `.B hactl\n[options] command [arguments]`},
    {title: 'DESCRIPTION', body: text(ABOUT)},
    {title: 'OPTIONS', body: tree.options.map(optionItem).join('\n')},
    {title: 'COMMANDS', body: commands.join('\n')},
    {
      title: 'EXIT STATUS',
      body: exitMeanings.map(([status, meaning]) => item(bold(String(status)), text(meaning))).join('\n'),
    },
    {
      title: 'FILES',
      body: [
        item(
          bold(`${defaultPaths.runDir}/control.sock`),
          'the control socket: root, and the group of hactl_admin_group',
        ),
        item(
          bold(`${defaultPaths.runDir}/control-read.sock`),
          'the same for the group of hactl_read_group, which may look',
        ),
        item(
          bold(`${defaultPaths.stateDir}/orders.json`),
          'what was ordered by drain, weight and maintenance',
        ),
      ].join('\n'),
    },
    {
      title: 'ENVIRONMENT',
      body: [
        item(bold('HACTL_RUN_DIR'), text('what stands for --run-dir')),
        item(bold('NO_COLOR'), 'no colours, also at a terminal'),
      ].join('\n'),
    },
    seeAlso('hactl.8'),
  ]);
}

const hactld = (): string =>
  page('hactld', 8, VERSION, 'director of a Linux Virtual Server pair, or a single one', [
    {title: 'SYNOPSIS', body: '.B hactld\n[options]'},
    {title: 'DESCRIPTION', body: paragraphs(DAEMON_TEXT)},
    {
      title: 'OPTIONS',
      body: daemonOptions
        .map((option) => {
          const flag = bold(`--${option.name}`);
          return item(option.value === undefined ? flag : `${flag} ${text(option.value)}`, text(option.text));
        })
        .join('\n'),
    },
    {
      title: 'SIGNALS',
      body: [
        item(bold('SIGTERM'), text('addresses go to the peer, then everything stops')),
        item(bold('SIGHUP'), text('the files are read again; a broken one changes nothing')),
      ].join('\n'),
    },
    {
      title: 'EXIT STATUS',
      body: [
        item(bold('0'), text('stopped gracefully')),
        item(bold('2'), text('the configuration or the command line has errors: nothing was started')),
      ].join('\n'),
    },
    {
      title: 'ENVIRONMENT',
      body: 'HACTL_CONFIG_DIR, HACTL_RUN_DIR and HACTL_STATE_DIR stand for the options of the same name.',
    },
    seeAlso('hactld.8'),
  ]);

const actionTexts: Readonly<Record<(typeof actions)[number], string>> = {
  start: 'start a director with this file alone',
  stop: 'stop it; needs no valid file',
  restart: 'stop, then start',
  'try-restart': 'restart it if it runs',
  status: 'say whether it runs; needs no valid file',
  reload: 'have it read its file again',
  'force-reload': 'the same',
};

const ldirectord = (): string =>
  page('ldirectord-hactl', 8, VERSION, "ldirectord's command line for hactl", [
    {
      title: 'SYNOPSIS',
      body: `.nf\n${paragraphs(USAGE.split('\n\n')[0]?.replace('usage: ', '') ?? '')}\n.fi`,
    },
    {
      title: 'DESCRIPTION',
      body: paragraphs(
        `A drop-in for ldirectord 4.12: the same words, files and exit statuses, so that haresources and init scripts work unchanged. The directives are those of ldirectord.cf; docs/ldirectord.md says what each does here.\n${USAGE.split('\n\n')[1] ?? ''}`,
      ),
    },
    {
      title: 'ACTIONS',
      body: actions.map((action) => item(bold(action), text(actionTexts[action]))).join('\n'),
    },
    seeAlso('ldirectord-hactl.8'),
  ]);

/** The rows of the table below a heading: first cell, middle cell, last cell. */
function rowsBelow(markdown: string, heading: string): string[][] {
  const part = markdown.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return part
    .split('\n')
    .filter(
      (line) => line.startsWith('| ') && !line.startsWith('| directive') && !line.startsWith('| resource'),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
}

function haCf(markdown: string): string {
  const directives = rowsBelow(markdown, 'ha.cf').map(([name = '', standard = '', support = '']) => {
    const added = standard === '' ? '' : ` Default: ${standard}.`;
    return item(inline(name.replace('**ours:** ', '')), inline(`${support}${added}`));
  });
  const resources = rowsBelow(markdown, 'haresources').map(([name = '', support = '']) =>
    item(inline(name), inline(support)),
  );
  return page('hactl-ha.cf', 5, VERSION, "heartbeat's files as hactl reads them", [
    {
      title: 'DESCRIPTION',
      body: text(
        `The files of heartbeat are read from ${defaultPaths.configDir}. Times: a plain number is seconds; 2s, 200ms, 500us. Directives that start with hactl_ are hactl's own. hactl check-config says everything that is wrong with a file.`,
      ),
    },
    {title: 'HA.CF', body: directives.join('\n')},
    {title: 'HARESOURCES', body: resources.join('\n')},
    seeAlso('hactl-ha.cf.5'),
  ]);
}

/** One page as roff. */
export async function manualPage(name: Page, tree: CommandTree): Promise<string> {
  switch (name) {
    case 'hactl.8':
      return hactl(tree);
    case 'hactld.8':
      return hactld();
    case 'ldirectord-hactl.8':
      return ldirectord();
    case 'hactl-ha.cf.5':
      return haCf(await readFile(documentFile('configuration.md'), 'utf8'));
  }
}
