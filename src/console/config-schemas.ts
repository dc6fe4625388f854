/** What the edits of a configuration look like, as JSON Schema. */
import {object} from './route.ts';

const line = {type: 'string', maxLength: 4_096};
const name = {type: 'string', minLength: 1, maxLength: 255};
const setting = object({name, value: line});
const edit = (type: string, properties: Readonly<Record<string, object>>, optional: readonly string[] = []) =>
  object(
    {type: {type: 'string', const: type}, ...properties},
    ['type', ...Object.keys(properties)].filter((key) => !optional.includes(key)),
  );
const serviceEdit = {
  oneOf: [
    edit('set-global', {name, value: line}, ['value']),
    edit('set', {virtual: name, name, value: line}, ['value']),
    edit('rename', {virtual: name, to: name}),
    edit('add-virtual', {virtual: name, lines: {type: 'array', maxItems: 500, items: setting}}),
    edit('remove-virtual', {virtual: name}),
    edit('switch', {virtual: name, on: {type: 'boolean'}}),
    edit('add-real', {virtual: name, real: line}),
    edit('set-real', {virtual: name, real: line, to: line}),
    edit('remove-real', {virtual: name, real: line}),
  ],
};
export const editsBody = object({
  edits: {
    type: 'array',
    minItems: 1,
    maxItems: 200,
    items: {
      oneOf: [
        object({kind: {type: 'string', const: 'service'}, file: name, edit: serviceEdit}),
        object({kind: {type: 'string', const: 'ha'}, name, value: line}, ['kind', 'name']),
        object({kind: {type: 'string', const: 'resource'}, node: name, word: line}),
        object({
          kind: {type: 'string', const: 'text'},
          file: name,
          text: {type: 'string', maxLength: 1 << 20},
        }),
      ],
    },
  },
});
