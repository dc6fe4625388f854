/** JSON Schemas of configuration edits. */
import {object} from './route.ts';

const line = {type: 'string', maxLength: 4_096};
const name = {type: 'string', minLength: 1, maxLength: 255};
const setting = object({name, value: line});
const edit = (type: string, properties: Readonly<Record<string, object>>, optional: readonly string[] = []) =>
  object(
    {type: {type: 'string', const: type}, ...properties},
    ['type', ...Object.keys(properties)].filter((key) => !optional.includes(key)),
  );
/** An edit of one service; `nth` is its index among those with the same `virtual`. */
const ofService = (type: string, properties: Readonly<Record<string, object>>, optional: readonly string[] = []) =>
  edit(type, {virtual: name, nth: {type: 'integer', minimum: 0, maximum: 10_000}, ...properties}, ['nth', ...optional]); // prettier-ignore
const serviceEdit = {
  oneOf: [
    edit('set-global', {name, value: line}, ['value']),
    ofService('set', {name, value: line}, ['value']),
    ofService('rename', {to: name}),
    edit('add-virtual', {virtual: name, lines: {type: 'array', maxItems: 500, items: setting}}),
    ofService('remove-virtual', {}),
    ofService('switch', {on: {type: 'boolean'}}),
    ofService('add-real', {real: line}),
    ofService('set-real', {real: line, to: line}),
    ofService('remove-real', {real: line}),
  ],
};
const edits = {
  type: 'array',
  minItems: 1,
  maxItems: 200,
  items: {
    oneOf: [
      object({kind: {type: 'string', const: 'service'}, file: name, edit: serviceEdit}),
      object({kind: {type: 'string', const: 'ha'}, name, value: line}, ['kind', 'name']),
      object({kind: {type: 'string', const: 'resource'}, node: name, word: line, beside: line}, [
        'kind',
        'node',
        'word',
      ]),
      object({
        kind: {type: 'string', const: 'text'},
        file: name,
        text: {type: 'string', maxLength: 1 << 20},
      }),
    ],
  },
};
export const planBody = object({edits});
/** `id`: of the click. A request with the id of an earlier one is that request, sent again. */
export const applyBody = object({edits, id: {type: 'string', minLength: 8, maxLength: 64}}, ['edits']);
