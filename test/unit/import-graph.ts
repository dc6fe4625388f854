/**
 * The imports of the tree: who imports whom, as files and as rooms (a folder of src, or a package). Type-only imports
 * count: a circle of types is a circle. `npm run graph` prints src as a Mermaid drawing; docs/architecture.md contains it.
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

/** What is shipped: neither tests nor their fixtures. */
export const isProduct = (name: string): boolean =>
  !name.startsWith('test/') && !/\.(test|fixture)\.ts$/.test(name);

/** Every module that a file names, relative or not, type-only or not. */
export const imports = (text: string): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');

/** The files of ours that a file imports, from the root of the tree. */
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

/** Circles of a graph: the groups of nodes that reach one another (Tarjan 1972). */
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

/** The rooms of src from the top of the ladder down, each with what it imports, as Mermaid draws it. */
export function drawing(ladder: readonly string[]): string {
  const edges = roomEdges();
  const lines = ladder.flatMap((room) => {
    const below = ladder.filter((other) => edges.get(room)?.has(other));
    return below.length === 0 ? [`  ${room}`] : [`  ${room} --> ${below.join(' & ')}`];
  });
  return ['graph TD', ...lines].join('\n');
}
