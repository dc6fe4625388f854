/**
 * How bundles load Node's own modules. An `import` of one makes Node build a second module around it, with a copy of every export:
 * six of them take 20 ms of a start, and 6 ms through `process.getBuiltinModule`.
 */
import {builtinModules} from 'node:module';
import type {Plugin} from 'esbuild';

const NAMESPACE = 'hactl-builtin';
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** A module with the exports of a built-in one; the bundler keeps those that are used. */
export function builtinSource(name: string): string {
  const found = process.getBuiltinModule(name) as object | undefined;
  if (!found) throw new Error(`this Node has no module ${name}`);
  const names = Object.getOwnPropertyNames(found).filter((key) => IDENTIFIER.test(key) && key !== 'default');
  return [
    `const builtin = /* @__PURE__ */ process.getBuiltinModule(${JSON.stringify(name)});`,
    'export default builtin;',
    // A name may be a reserved word. The call is left out if nobody uses its value: reading a property could have effects.
    ...names.map(
      (key) =>
        `const builtin_${key} = /* @__PURE__ */ (() => builtin.${key})();\nexport {builtin_${key} as ${key}};`,
    ),
  ].join('\n');
}

/**
 * koffi's native part, without the search that its package makes for it: 2 ms of a start instead of 16. If the
 * native part is not beside the bundle, the package searches for it.
 */
const koffiSource = `
const direct = {exports: {}};
try {
  const folder = \`node_modules/@koromix/koffi-linux-\${process.arch}/linux_\${process.arch}\`;
  process.dlopen(direct, \`\${import.meta.dirname}/\${folder}/koffi.node\`);
} catch {
  direct.exports = require('koffi');
}
export default direct.exports;
`;

/** For statements and calls of import; `require` of a CommonJS package stays. */
export const quickModules: Plugin = {
  name: NAMESPACE,
  setup: (build) => {
    build.onResolve({filter: /^[a-z]/}, ({path, kind}) => {
      const isImport = kind === 'import-statement' || kind === 'dynamic-import';
      const isOurs = path === 'koffi' || builtinModules.includes(path.replace(/^node:/, ''));
      return isImport && isOurs ? {path, namespace: NAMESPACE, sideEffects: false} : undefined;
    });
    build.onLoad({filter: /./, namespace: NAMESPACE}, ({path}) => ({
      contents: path === 'koffi' ? koffiSource : builtinSource(path),
    }));
  },
};
