/** Two lists of facts side by side. Pure. */
import type {Fact, FactKind} from './fact.ts';

/** One directive that differs between two configurations; undefined: absent. */
export interface FactChange {
  readonly kind: FactKind;
  readonly of?: string;
  readonly file: string;
  readonly directive: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** `other`: what it is compared with, when this is the second of two. */
function shown(fact: Fact | undefined, counterpart: Fact | undefined): string | undefined {
  if (!fact?.secret) return fact?.value;
  if (fact.shown === undefined) return counterpart ? '(another secret)' : '(secret)';
  return fact.shown === counterpart?.shown ? `${fact.shown} (changed)` : fact.shown;
}

/** The differences, in the order of the first list; entries only in the second come last. */
export function compareFacts(from: readonly Fact[], to: readonly Fact[]): FactChange[] {
  const after = new Map(to.map((fact) => [fact.directive, fact]));
  const before = new Set(from.map((fact) => fact.directive));
  const change = (either: Fact, fact: Fact | undefined, counterpart: Fact | undefined): FactChange[] =>
    fact?.value === counterpart?.value
      ? []
      : [
          {
            kind: either.kind,
            ...(either.of === undefined ? {} : {of: either.of}),
            file: either.file,
            directive: either.directive,
            from: shown(fact, undefined),
            to: shown(counterpart, fact),
          },
        ];
  return [
    ...from.flatMap((fact) => change(fact, fact, after.get(fact.directive))),
    ...to.filter((fact) => !before.has(fact.directive)).flatMap((fact) => change(fact, undefined, fact)),
  ];
}
