/** Nodes and ping targets: node, ping, ping6 and ping_group of ha.cf. Pure. */
import {parseHost} from './ha-host.ts';
import type {HaLine, Word} from './ha-line.ts';
import type {Span} from './model.ts';
import type {Reporter, Resolver} from './reader.ts';

interface Members {
  readonly nodes: {span: Span; name: string}[];
  readonly pings: string[];
  readonly pingGroups: {name: string; members: string[]}[];
}

/** True when the line was one of these directives. */
export function parseMembers(
  line: HaLine,
  draft: Members,
  resolver: Pick<Resolver, 'host'> | undefined,
  reporter: Reporter,
): boolean {
  const hosts = (words: readonly Word[], form: string): string[] =>
    words.flatMap((word) => parseHost(word, form, resolver, reporter) ?? []);
  const {name, rest, value} = line;
  switch (name) {
    case 'node':
      if (line.wants('NAME…')) for (const word of rest) parseNode(word, draft.nodes, reporter);
      return true;
    case 'ping':
    case 'ping6':
      if (line.wants('ADDRESS…')) draft.pings.push(...hosts(rest, `${name} ADDRESS…`));
      return true;
    case 'ping_group':
      if (line.wants('NAME ADDRESS…', 2))
        draft.pingGroups.push({
          name: value,
          members: hosts(rest.slice(1), 'ping_group NAME ADDRESS…'),
        });
      return true;
    default:
      return false;
  }
}

function parseNode({text, span}: Word, nodes: Members['nodes'], reporter: Reporter): void {
  const name = text.toLowerCase();
  if (nodes.some((node) => node.name === name))
    reporter.add(
      'warning',
      'duplicate-resource',
      span,
      `node ${name} is listed twice`,
      'the second has no effect',
    );
  else nodes.push({span, name});
}
