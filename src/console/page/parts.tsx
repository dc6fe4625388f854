/** Small components shared by all pages. */
import type {ComponentChildren} from 'preact';
import {useLayoutEffect, useRef, useState} from 'preact/hooks';

/** A wide table scrolls in its own keyboard-focusable frame. */
export const Table = (props: {caption: string; head: readonly string[]; children: ComponentChildren}) => (
  <div class="scroll" role="region" aria-label={props.caption} tabIndex={0}>
    <table>
      <caption>{props.caption}</caption>
      <thead>
        <tr>
          {props.head.map((name) => (
            <th scope="col" key={name}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{props.children}</tbody>
    </table>
  </div>
);

export type Tone = 'good' | 'warn' | 'bad' | 'quiet';

/** A label and its tone; colour is never the only signal. */
export const Tag = ({tone, children}: {tone: Tone; children: ComponentChildren}) => (
  <span class={`tag ${tone}`}>
    <span aria-hidden="true">{{good: '●', warn: '▲', bad: '■', quiet: '○'}[tone]}</span> {children}
  </span>
);

/** The element focused before the first of a chain of dialogs. */
const opener: {element?: HTMLElement} = {};

function returnFocus(): void {
  if (document.querySelector('dialog')) return;
  const home = opener.element?.isConnected ? opener.element : document.querySelector<HTMLElement>('#main');
  home?.focus();
}

/** A native modal dialog: it traps focus, Escape closes it, and focus returns to the element that opened it. */
export function Dialog(props: {title: string; close: () => void; children: ComponentChildren}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const {activeElement} = document;
    if (activeElement instanceof HTMLElement && activeElement !== document.body)
      opener.element = activeElement;
    dialog.current?.showModal();
    return () => void setTimeout(returnFocus);
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={props.close}>
      <header>
        <h2 id="dialog-title">{props.title}</h2>
        <button type="button" class="plain" onClick={() => dialog.current?.close()} aria-label="Close">
          ×
        </button>
      </header>
      {props.children}
    </dialog>
  );
}

export const Field = (props: {
  label: string;
  value: string;
  set: (value: string) => void;
  hint?: string;
  type?: 'text' | 'password' | 'number';
  required?: boolean;
  options?: readonly string[];
  placeholder?: string;
  /** Several lines of text. */
  lines?: boolean;
}) => {
  const id = `field-${props.label.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.options ? (
        <select id={id} value={props.value} onChange={(event) => props.set(event.currentTarget.value)}>
          {props.options.map((option) => (
            <option key={option} value={option}>
              {option === '' ? '(file’s default)' : option}
            </option>
          ))}
        </select>
      ) : props.lines ? (
        <textarea
          id={id}
          rows={2}
          value={props.value}
          autocomplete="off"
          spellcheck={false}
          aria-describedby={props.hint ? `${id}-hint` : undefined}
          onInput={(event) => props.set(event.currentTarget.value)}
        />
      ) : (
        <input
          id={id}
          // The type is a discriminated union; all three accept the same attributes here.
          type={(props.type ?? 'text') as 'text'}
          value={props.value}
          required={props.required}
          placeholder={props.placeholder}
          autocomplete={props.type === 'password' ? 'current-password' : 'off'}
          aria-describedby={props.hint ? `${id}-hint` : undefined}
          onInput={(event) => props.set(event.currentTarget.value)}
        />
      )}
      {props.hint ? (
        <small id={`${id}-hint`} class="hint">
          {props.hint}
        </small>
      ) : null}
    </div>
  );
};

/** Runs an action that may be refused, and shows the error. */
export function useAction(): {
  busy: boolean;
  problem: string;
  run: (work: () => Promise<unknown>) => Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  return {
    busy,
    problem,
    run: async (work) => {
      setBusy(true);
      setProblem('');
      try {
        await work();
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      } finally {
        setBusy(false);
      }
    },
  };
}

export const Problem = ({text}: {text: string}) => (
  <div aria-live="assertive">{text === '' ? null : <p class="problem">{text}</p>}</div>
);

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** Formats milliseconds, e.g. `3 min`. */
export function ago(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const [size, unit] = UNITS.find(([least]) => ms / 1_000 >= least) ?? [1, 's'];
  return `${Math.floor(ms / 1_000 / size)} ${unit}`;
}

export const clockText = (wall: number): string =>
  new Date(wall).toISOString().replace('T', ' ').slice(0, 19);
