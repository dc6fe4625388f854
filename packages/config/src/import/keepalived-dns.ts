/** DNS_CHECK of keepalived.conf: queried name and record type. Pure. */
import {
  argumentOf,
  ignored,
  lastReadable,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {isQuotable} from './words.ts';

/** Record types that keepalived knows; its default is SOA of the root. */
const dnsTypes: ReadonlySet<string> = new Set(['A', 'NS', 'CNAME', 'SOA', 'MX', 'TXT', 'AAAA']);

/** Does keepalived 2.2.7 ignore the name for an empty label? It takes a one-character first label as empty, too. */
const hasEmptyLabel = (name: string): boolean =>
  name[1] === '.' || name.includes('..') || (name.startsWith('.') && name !== '.');

function dnsTypeOf(line: Statement, tools: Tools): string | undefined {
  const type = argumentOf(line).toUpperCase();
  if (dnsTypes.has(type)) return type;
  ignored(
    line.words[1] ?? line,
    'bad-value',
    `"${argumentOf(line)}" is not a record type: keepalived ignores the line, the default is SOA`,
    `the import does the same; write one of ${[...dnsTypes].join(', ')}`,
    tools,
  );
  return undefined;
}

export function parseDns(block: Block, tools: Tools): {name: string; type: string} {
  const type = lastReadable(block, ['type'], (line) => dnsTypeOf(line, tools), tools);
  const [name, ...repeated] = block.all('name').filter((line) => {
    if (!hasEmptyLabel(argumentOf(line))) return true;
    ignored(
      line.words[1] ?? line,
      'bad-value',
      `"${argumentOf(line)}" has an empty label for keepalived, which ignores the name and queries .`,
      'the import does the same; 2.2.7 takes a one-character first label as empty',
      tools,
    );
    tools.notes.omitted(line.span, quoteStatement(line), 'keepalived ignores the name too');
    return false;
  });
  for (const statement of repeated)
    tools.notes.omitted(statement.span, quoteStatement(statement), 'repeated: keepalived uses the first one');
  const usable = isQuotable(argumentOf(name));
  const dns = {name: usable ? argumentOf(name) : '.', type: type?.value ?? 'SOA'};
  const isAddress = dns.type === 'A' && dns.name !== '.';
  for (const line of [name, type?.line])
    if (line)
      if (isAddress) tools.notes.exact(line.span, quoteStatement(line), 'ldirectord.cf: request');
      else tools.notes.omitted(line.span, quoteStatement(line), 'the DNS check here queries addresses only');
  return dns;
}
