/** The edits that a browser may make to the files, and the resulting files. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {
  editHaCf,
  editHaresources,
  editLdirectord,
  parseHaresources,
  redactLine,
  writtenGlobals,
  writtenHa,
  writtenVirtuals,
  type LdirectordEdit,
  type Setting,
  type WrittenVirtual,
} from '@hactl/config';
import type {ReadConfigFile} from '../control/answers.ts';

export type FileEdit =
  | {readonly kind: 'service'; readonly file: string; readonly edit: LdirectordEdit}
  | {readonly kind: 'ha'; readonly name: string; readonly value?: string}
  /** `beside`: the first resource of the target group. */
  | {readonly kind: 'resource'; readonly node: string; readonly word: string; readonly beside?: string}
  /** Replaces a whole file, for experts. */
  | {readonly kind: 'text'; readonly file: string; readonly text: string};

/** The files after applying all edits in order; only those that differ. */
export function applyAll(
  files: readonly ReadConfigFile[],
  edits: readonly FileEdit[],
): Result<{name: string; text: string; base: string}[], string> {
  const texts = new Map(files.map(({name, text}) => [name, text]));
  for (const edit of edits) {
    const name = edit.kind === 'ha' ? 'ha.cf' : edit.kind === 'resource' ? 'haresources' : edit.file;
    const text = texts.get(name);
    if (text === undefined) return fail(`${name} is not a file of this configuration`);
    const next = applyOne(text, edit);
    if (!next.ok) return next;
    texts.set(name, next.value);
  }
  return ok(
    files.flatMap(({name, text, digest}) => {
      const next = texts.get(name);
      return next === undefined || next === text ? [] : [{name, text: next, base: digest}];
    }),
  );
}

function applyOne(text: string, edit: FileEdit): Result<string, string> {
  switch (edit.kind) {
    case 'service':
      return editLdirectord(text, edit.edit);
    case 'ha':
      return editHaCf(text, edit.name, edit.value);
    case 'resource':
      return editHaresources(text, edit.node, edit.word, edit.beside);
    case 'text':
      return ok(edit.text);
  }
}

/** Directives of ldirectord.cf whose value is a secret. */
const secret = /^(passwd|secret)$/;
/** Shown instead of a secret; sent back unchanged it is not written. */
export const HIDDEN = '••••••••';

/** `isAdmin`: admins may read the files anyway and see requests unmasked, because the form sends them back. */
function shown({name, value}: Setting, isAdmin: boolean): Setting {
  if (secret.test(name)) return {name, value: HIDDEN};
  return {name, value: isAdmin ? value : redactLine(`${name}=${value}`).slice(name.length + 1)};
}

export interface ConfigView {
  readonly files: readonly {
    readonly name: string;
    readonly services: readonly WrittenVirtual[];
    readonly globals: readonly Setting[];
  }[];
  /** Effective values of the ha.cf directives with a form field; a repeated directive gives one line each. */
  readonly ha: Readonly<Record<string, string>>;
  readonly haresources: string;
  readonly groups: readonly WrittenGroup[];
}

/** A group of haresources. */
export interface WrittenGroup {
  readonly node: string;
  /** Its first resource, which names the group. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** Files whose services belong to the group, verbatim. */
  readonly services: readonly string[];
  /** Whether connections are synchronised with the group. */
  readonly sync: boolean;
}

function groupsOf(text: string): WrittenGroup[] {
  const {model} = parseHaresources({path: 'haresources', text}, {mode: 'lenient'});
  return model.groups.map(({node, name, resources}) => ({
    node,
    name,
    addresses: resources.flatMap(({vip}) => (vip ? [vip.address] : [])),
    services: resources.flatMap(({type, args}) => (type === 'ldirectord' ? args.slice(0, 1) : [])),
    sync: resources.some(({type}) => type === 'LVSSyncDaemonSwap'),
  }));
}

/** ha.cf directives with a form field; none is a secret. */
export const haForms: readonly string[] = [
  'node',
  'keepalive',
  'deadtime',
  'warntime',
  'initdead',
  'auto_failback',
  'hactl_sync',
  'hactl_sync_deadline',
  'hactl_preempt_delay',
  'hactl_holddown',
  'bcast',
  'ucast',
  'mcast',
  'ping',
  'ping_group',
];

/** The files as shown in forms, without secrets. */
export function viewOf(files: readonly ReadConfigFile[], isAdmin: boolean): ConfigView {
  const redact = (setting: Setting): Setting => shown(setting, isAdmin);
  const text = (name: string): string => files.find((file) => file.name === name)?.text ?? '';
  return {
    files: files
      .filter(({name}) => name !== 'ha.cf' && name !== 'haresources')
      .map(({name, text: content}) => ({
        name,
        services: writtenVirtuals(content).map((service) => ({...service, lines: service.lines.map(redact)})),
        globals: writtenGlobals(content).map(redact),
      })),
    ha: Object.fromEntries(
      haForms.flatMap((name) => {
        const value = writtenHa(text('ha.cf'), name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    groups: groupsOf(text('haresources')),
    haresources: isAdmin ? text('haresources') : text('haresources').split('\n').map(redactLine).join('\n'),
  };
}
