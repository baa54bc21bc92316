import { dirname, posix, relative, sep } from 'node:path';

/**
 * The walls of the house: who may import what. Each says which files it binds and either what they may import (all else
 * is refused) or what they may not. Both are matched against a path from the root of the repository without its
 * extension (`src/customers/domain/events`), or the bare name of a package (`mongodb`, `node:crypto`).
 *
 * @typedef {{ in: RegExp, except?: RegExp, only?: RegExp, never?: RegExp, why: string }} Wall
 * @type {readonly Wall[]}
 */
const walls = [
  {
    in: /^src\/customers\/domain\//,
    only: /^src\/customers\/domain\//,
    why: 'The domain is pure: it imports its own folder only. Facts from elsewhere arrive in the command.',
  },
  {
    in: /^src\/event-sourcing\//,
    never: /^src\/(?!event-sourcing\/)/,
    why: 'The kernel knows no customer and no surroundings: it imports its own folder and packages only.',
  },
  {
    in: /^src\//,
    except: /^src\/stores\//,
    never: /^(@photostructure\/sqlite|better-sqlite3|libsql|node:sqlite|mongodb|@eventstore\/db-client)(\/|$)/,
    why: 'Only src/stores/* talk to a driver: everything else goes through a port.',
  },
  {
    in: /^src\//,
    except: /^src\/(metrics\/|app\.module\.)/,
    never: /^(prom-client|@opentelemetry\/)/,
    why: 'Only src/metrics measures and traces: everything else is looked at from outside, or calls what is there.',
  },
  {
    in: /^src\//,
    except: /^src\/(stores\/|admin\/|adapters\.|main\.)/,
    never: /^src\/stores\//,
    why: 'Only src/adapters.ts picks stores: everything else asks for a port.',
  },
  {
    in: /^src\//,
    never: /^(test|bench|tools)\//,
    why: 'The service must build and run without its tests and tools.',
  },
];

/** @type {(file: string, specifier: string) => string} */
const target = (file, specifier) =>
  specifier.startsWith('.') ? posix.join(dirname(file), specifier).replace(/\.[cm]?js$/, '') : specifier;

/** @type {import('eslint').Rule.RuleModule} */
export const wallsRule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/');
    const binding = walls.filter((wall) => wall.in.test(file) && !wall.except?.test(file));

    /** @param {{ source?: import('estree').Expression | null | undefined }} node */
    const check = ({ source }) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const imported = target(file, source.value);
      for (const { only, never, why } of binding) {
        if (only?.test(imported) === false || never?.test(imported)) context.report({ node: source, message: why });
      }
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
