/**
 * The import graph of the tree, by file and by room (a folder of src, or a package). Type-only imports count: a cycle of types
 * is a cycle. `npm run graph` prints src as a Mermaid drawing; docs/architecture.md contains it.
 */
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

export interface Source {
  /** From the root of the tree, with slashes. */
  readonly name: string;
  readonly text: string;
}

/** Every TypeScript file of the tree. */
export const sources: readonly Source[] = ['packages', 'src', 'test'].flatMap((top) =>
  readdirSync(path.join(root, top), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => ({name: `${top}/${name}`, text: readFileSync(path.join(root, top, name), 'utf8')})),
);

/** Shipped files: no tests, no fixtures. */
export const isProduct = (name: string): boolean =>
  !name.startsWith('test/') && !/\.(test|fixture)\.ts$/.test(name);

/** All modules imported by a file, relative or not, type-only or not. */
export const imports = (text: string): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');

/** Our own files imported by a file, as paths from the root of the tree. */
export const importedFiles = ({name, text}: Source): string[] =>
  imports(text)
    .filter((target) => target.startsWith('.'))
    .map((target) => path.posix.normalize(path.posix.join(path.posix.dirname(name), target)));

/** The room of a file of src: its folder, or `entries` for the programs at the top. */
export const roomOf = (name: string): string | undefined => {
  const [top, room, more] = name.split('/');
  if (top !== 'src' || room === undefined) return undefined;
  return more === undefined ? 'entries' : room;
};

/** Edges between the rooms of src, product files only, sorted. */
export function roomEdges(): Map<string, Set<string>> {
  const edges = new Map<string, Set<string>>();
  for (const source of sources.filter(({name}) => name.startsWith('src/') && isProduct(name))) {
    const from = roomOf(source.name) ?? '';
    const targets = edges.get(from) ?? new Set<string>();
    edges.set(from, targets);
    for (const file of importedFiles(source)) {
      const to = roomOf(file);
      if (to !== undefined && to !== from) targets.add(to);
    }
  }
  return edges;
}

/** Cycles of a graph: its strongly connected components (Tarjan 1972). */
export function circles(edges: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node) ?? 0);
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(next) ?? 0));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.toSorted());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return found;
}

/** Mermaid drawing of the rooms of src and their imports, top of the ladder first. */
export function drawing(ladder: readonly string[]): string {
  const edges = roomEdges();
  const lines = ladder.flatMap((room) => {
    const below = ladder.filter((other) => edges.get(room)?.has(other));
    return below.length === 0 ? [`  ${room}`] : [`  ${room} --> ${below.join(' & ')}`];
  });
  return ['graph TD', ...lines].join('\n');
}
