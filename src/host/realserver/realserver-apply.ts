/** Applies a plan and undoes it, updating the state file at every step. */
import type {PersistentFile} from './persist.ts';
import {doStep, readText, undoStep, writeFileStep} from './realserver-driver.ts';
import {commandOf, type Step} from './realserver-plan.ts';
import {chooseUndo, prepareUndo, readUndo, writeUndo} from './realserver-undo.ts';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface Applied {
  /** The steps done, as text. */
  readonly done: readonly string[];
  readonly wanted: number;
  /** Why it stopped before the last step. */
  readonly problem?: string;
}

/** Runs the steps that are not done yet. */
export function applySteps(
  file: string,
  steps: readonly Step[],
  files: readonly PersistentFile[] = [],
): Applied {
  const done: string[] = [];
  const actions = [
    ...steps.filter((step) => !step.done).map((step) => ({words: commandOf(step), act: () => doStep(step)})),
    ...files
      .filter(({path, text}) => readText(path) !== text)
      .map((file) => ({words: `wrote ${file.path}`, act: () => writeFileStep(file)})),
  ];
  try {
    const undo = [...readUndo(file)];
    if (actions.length > 0) prepareUndo(file);
    for (const {words, act} of actions) {
      undo.push(act());
      writeUndo(file, undo);
      done.push(words);
    }
    return {done, wanted: actions.length};
  } catch (error) {
    return {done, wanted: actions.length, problem: messageOf(error)};
  }
}

export interface Undone {
  readonly undone: number;
  readonly stay: number;
  readonly notes: readonly string[];
  /** Why it stopped before the last step; the rest is still in the file. */
  readonly problem?: string;
}

/** Undoes the steps for these addresses; without addresses: everything. */
export function undoSteps(file: string, vips: readonly string[]): Undone {
  const {back, stay} = chooseUndo(readUndo(file), vips);
  const notes: string[] = [];
  const left = [...back];
  const outcome = () => ({undone: back.length - left.length, stay: stay.length, notes});
  try {
    for (const step of back) {
      const note = undoStep(step);
      if (note !== undefined) notes.push(note);
      left.shift();
      writeUndo(file, [...stay, ...left.toReversed()]);
    }
    return outcome();
  } catch (error) {
    return {...outcome(), problem: messageOf(error)};
  }
}
